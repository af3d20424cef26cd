"""The main job on PostgreSQL: in one process, and in processes of several roles."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ringback.testing import Handsets, Ringback, WebhookInbox
from ringback.testing.api import Api
from tests.faults.processes import Process, environment
from tests.phones import until

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

WAIT_S = 60
"""Five processes start beside the first words."""


@pytest.fixture
def ringback_settings(postgres_url: str) -> dict[str, Any]:
    return {"database_url": postgres_url}


def converse(api: Api, handset: Handsets, inbox: WebhookInbox) -> None:
    """A number is bought, texted, its webhook told, and it answers; a STOP is obeyed."""
    agent = api.call("POST", "/v1/agents", {"name": "Ada", "systemPrompt": "Be kind."})
    number = api.call("POST", "/v1/numbers", {"agentId": agent["id"]})
    webhook = api.call("POST", "/v1/webhooks", {"url": inbox.url})
    inbox.secret = webhook["secret"]
    phone = handset(area_code="415")
    for n in range(5):
        phone.text(number["phoneNumber"], f"Hello {n}")
    told = {inbox.wait_for("agent.message", timeout=WAIT_S).body["data"]["message"] for _ in range(5)}
    assert told == {f"Hello {n}" for n in range(5)}
    for n in range(5):
        api.call(
            "POST", "/v1/messages", {"number_id": number["id"], "to_number": phone.number, "body": f"Hi {n}"}
        )
    for n in range(5):
        assert phone.wait_for(timeout=WAIT_S).body == f"Hi {n}"
    path = f"/v1/numbers/{number['id']}/messages"

    def all_delivered() -> bool:
        sent = [row for row in api.call("GET", path)["data"] if row["direction"] == "outbound"]
        return len(sent) == 5 and {row["status"] for row in sent} == {"delivered"}

    until(all_delivered, timeout_s=WAIT_S)
    phone.text(number["phoneNumber"], "STOP")
    phone.wait_for(timeout=WAIT_S)
    refused = api.request(
        "POST", "/v1/messages", json={"number_id": number["id"], "to_number": phone.number, "body": "x"}
    )
    assert refused.status in (403, 409, 422)


def test_one_process(ringback: Ringback, handset: Handsets, webhook_inbox: WebhookInbox) -> None:
    assert ringback.server.store.shared
    converse(ringback.api, handset, webhook_inbox)


async def test_a_process_for_each_role(
    postgres_url: str, tmp_path: Path, webhook_inbox: WebhookInbox
) -> None:
    (tmp_path / "sim").mkdir()
    sim = Process(tmp_path / "sim", "sim", "--port", "0", "--data", str(tmp_path / "sim"))
    started = [sim]
    try:
        await sim.start()
        env = environment(database_url=postgres_url, secret_key=secrets.token_hex(32), sim_url=sim.url)
        roles = ["api", "dispatch", "dispatch", "deliver"]
        for n, role in enumerate(roles):
            folder = tmp_path / f"{role} {n}"
            folder.mkdir()
            process = Process(folder, "serve", "--port", "0", "--data", str(folder), "--role", role, env=env)
            process.begin()
            started.append(process)
            if role == "api":
                await process.ready()
        # Whichever process was first made the key.
        key = until(lambda: [*tmp_path.glob("*/first-key")])[0].read_text().strip()
        at = urlsplit(started[1].url)
        assert at.hostname is not None
        assert at.port is not None
        api = Api(at.hostname, at.port, key)
        converse(api, Handsets(api), webhook_inbox)
    finally:
        for process in reversed(started):
            process.kill()
