"""The line between the phones and the server under test."""

from dataclasses import dataclass
from typing import Any

from ringback.testing.api import Api, camel


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that waits for its moment."""

    id: str
    kind: str
    _api: Api

    def clear(self) -> None:
        """The fault strikes no more; an `outage` ends."""
        self._api.call("DELETE", f"/sim/v1/faults/{self.id}")


class Network:
    """Settings and faults of the simulated network (docs/testing.md lists them)."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def settings(self) -> dict[str, Any]:
        """The line's settings, as the wire names them."""
        found: dict[str, Any] = self._api.call("GET", "/sim/v1/network")
        return found

    def set(self, **settings: Any) -> dict[str, Any]:
        """Change settings, such as `registration="never"`, `loss_percent=5`; returns all of them."""
        changes = {camel(name): value for name, value in settings.items()}
        unknown = changes.keys() - self.settings.keys()
        if unknown:
            raise TypeError(
                f"the network has no setting {', '.join(sorted(unknown))}; it has {', '.join(self.settings)}"
            )
        changed: dict[str, Any] = self._api.call("PATCH", "/sim/v1/network", changes)
        return changed

    def fault(self, kind: str, count: int = 1, **match: str) -> Fault:
        """Let something go wrong the next `count` times: `fault("submit-timeout", to=phone.number)`.

        `match` narrows it down: `from_`, `to`, or `number` for either side.
        """
        asked: dict[str, Any] = {"kind": kind, "count": count}
        if match:
            asked["match"] = {camel(name): value for name, value in match.items()}
        made = self._api.call("POST", "/sim/v1/faults", asked)
        return Fault(made["id"], made["kind"], self._api)
