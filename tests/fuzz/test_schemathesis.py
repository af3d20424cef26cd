"""Schemathesis, with all its checks, over every operation of the document that the server serves.

In CI the same requests each time, in a minute. `make soak` runs on for as long as `RINGBACK_TEST_SOAK_S` says, each time
with others; a failure tells the seed, and `RINGBACK_TEST_SEED` repeats it.
"""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.target import Target
from tests.openapi import Operation, operations

SOAK_S = int(os.environ.get("RINGBACK_TEST_SOAK_S") or 0)
pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(300 + SOAK_S)]

ROOT = Path(__file__).parents[2]
EXAMPLES = 12
"""Of each operation, beside what each of its fields and parameters takes by itself."""
BENDING = "^/sim/v1/(clock|network|faults)"
"""What lets time leap and the line fail: it has a server of its own, or the others' operations would fail rightly."""
STREAMING = "^/sim/v1/.*events$|/events/stream$|/transcript/stream$"
"""Answers without an end: see `test_streams`."""
SPARE_SETS = 48


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    return {"number_limit": 100_000}


def test_what_the_contract_has(target: Target, tmp_path: Path) -> None:
    assert_all_checks_pass(target, tmp_path, f"--exclude-path-regex={BENDING}|{STREAMING}")


def test_what_bends_the_network(target: Target, tmp_path: Path) -> None:
    assert_all_checks_pass(target, tmp_path, f"--include-path-regex={BENDING}")


def test_streams(target: Target) -> None:
    """They answer as the document says, or refuse, before the first event."""
    streams = [
        one
        for one in target.operations
        if "text/event-stream" in one.spec["responses"].get("200", {}).get("content", {})
    ]
    assert len(streams) == 4
    for stream in streams:
        path = target.path(stream)
        assert target.ask("GET", path, key=None).problem(401) is None
        assert target.ask("POST", path).problem(405) is None
        if "{" in stream.path:
            assert (
                target.ask("GET", path.replace("hs_", "hs_0").replace("call_", "call_0")).problem(404) is None
            )


def assert_all_checks_pass(target: Target, folder: Path, chosen: str) -> None:
    """Run it over the operations that the option `chosen` leaves, and look that none of them was tried in vain."""
    calls, config, world = folder / "calls", folder / "schemathesis.toml", folder / "world.json"
    calls.touch()
    config.write_text(f'[headers]\nAuthorization = "Bearer {target.key}"\n')
    world.write_text(json.dumps(furnished(target)))
    limits = (
        ["--max-time", str(SOAK_S), *seed()]
        if SOAK_S
        else ["--generation-deterministic", "--max-examples", str(EXAMPLES)]
    )
    run = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config), "--no-color"),
            *("run", f"{target.ringback.base_url}/openapi.json", "--checks", "all"),
            *("--continue-on-failure", "--request-timeout", "20", chosen, *limits),
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.fuzz.schemathesis_hooks",
            "RINGBACK_TEST_WORLD": str(world),
            "RINGBACK_TEST_CALLS": str(calls),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    in_vain = tried_in_vain(target, calls.read_text())
    assert not in_vain, "\n".join([*in_vain, run.stdout])
    print(run.stdout)  # noqa: T201 the figures, where pytest shows them


def seed() -> list[str]:
    given = os.environ.get("RINGBACK_TEST_SEED")
    return ["--seed", given] if given else []


def furnished(target: Target) -> dict[str, Any]:
    """What schemathesis_hooks.py reads: something of everything that lasts, and sets that may be deleted."""
    gif = {"Content-Type": "image/gif"}
    # Or whoever asks for a call to be over would wait for it.
    target.exchange.all_are_busy = True
    media = target.ask("POST", "/sim/v1/media", raw=b"GIF89a", headers=gif).json
    lasting = {
        **target.ids,
        "number": target.number,
        "name": "agentphone-web-sdk.js",
        "media_id": media["id"],
        "voice_id": target.ask("GET", "/v1/agents/voices").json["data"][0]["voice_id"],
        "media_url": media["url"],
    }
    return {
        "document": target.document,
        "lasting": lasting,
        "of_handsets": target.sim_ids,
        "spare": [spare(target, n) for n in range(SPARE_SETS)],
    }


def spare(target: Target, n: int) -> dict[str, str]:
    """One of each that can be deleted: an agent with webhook and number, a contact, a sub-account, a phone, a fault."""

    def made(path: str, body: dict[str, Any]) -> str:
        said = target.ask("POST", path, body)
        assert said.status in (200, 201), said
        made_id: str = said.json.get("id", "")
        return made_id

    agent_id = made("/v1/agents", {"name": "spare"})
    made(f"/v1/agents/{agent_id}/webhook", {"url": "http://127.0.0.1:9/spare"})
    fault = {"kind": "submit-refused", "match": {"from": f"+1202555{n:04}"}}
    return {
        "agent_id": agent_id,
        "number_id": made("/v1/numbers", {"agentId": agent_id}),
        "contact_id": made("/v1/contacts", {"phoneNumber": f"+1202555{n:04}", "name": "spare"}),
        "sub_account_id": made("/v1/sub-accounts", {"name": "spare"}),
        "handset_id": made("/sim/v1/handsets", {"name": "spare"}),
        "fault_id": made("/sim/v1/faults", fault),
        "conversation_id": target.ids["conversation_id"],
        "call_id": target.ids["call_id"],
    }


IN_ANOTHER_STATE = {
    "POST /v1/webhooks/deliveries/{delivery_id}/redeliver": "WEBHOOK_NOT_FOUND",
    "POST /v1/messages/{message_id}/settle": "MESSAGE_NOT_UNCONFIRMED",
    "GET /v1/calls/{call_id}/recording": "RECORDING_NOT_FOUND",
    "DELETE /v1/calls/{call_id}/recording": "RECORDING_NOT_FOUND",
    "GET /v1/calls/web/connect": "UPGRADE_REQUIRED",
    "GET /sim/v1/calls/web/connect": "UPGRADE_REQUIRED",
    "GET /sim/v1/calls/{call_id}/audio": "CALL_NOT_FOUND",
    **{
        f"POST /sim/v1/calls/{{call_id}}/{act}": "CALL_STATE" for act in ("answer", "decline", "dtmf", "talk")
    },
}
"""What takes a delivery, a text or a call in a state that none has here, and its refusal; other tests bring them there."""


def tried_in_vain(target: Target, calls: str) -> list[str]:
    """The operations that were called and never did what they are for, or never refused anything."""
    statuses: dict[str, Counter[int]] = defaultdict(Counter)
    codes: dict[str, set[str]] = defaultdict(set)
    for line in calls.splitlines():
        name, status, code = line.split("\t")
        statuses[name][int(status) // 100] += 1
        codes[name].add(code)
    assert statuses
    by_name = {one.name: one for one in operations(target.document)}
    return [
        f"{name}: {dict(found)}"
        for name, found in statuses.items()
        # No line here is of the iMessage class.
        if not (found[2] or codes[name] & {"UNSUPPORTED_CHANNEL", IN_ANOTHER_STATE.get(name, "")})
        or not (found[4] or takes_nothing(by_name[name]))
    ]


def takes_nothing(operation: Operation) -> bool:
    """Whether there is nothing to refuse in it."""
    return not (operation.parameters or operation.spec.get("security") or operation.spec.get("requestBody"))
