"""The layer that ends what goes on for long with its key, where the store is away."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ringback.doors.rest import let_in
from ringback.doors.rest.caller import Keys
from ringback.kit.clock import MovableClock
from ringback.kit.database_faults import DatabaseUnavailable

pytestmark = pytest.mark.unit
BEARER = {"Authorization": "Bearer sk_live_somebody"}


class Away:
    """A store that can't be reached."""

    async def read(self, query: Any) -> Any:
        raise DatabaseUnavailable("the database is away")

    write = read


@pytest.mark.parametrize(("status", "told"), [(503, {"said": "by the application"}), (404, {"said": "no"})])
def test_a_refusal_that_took_long_goes_out_whole(
    monkeypatch: pytest.MonkeyPatch, status: int, told: dict[str, str]
) -> None:
    assert _asked(monkeypatch, status, told) == (status, told)


def test_what_was_found_is_kept_back_when_the_key_can_not_be_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, told = _asked(monkeypatch, 200, {"data": "of somebody whose key may be revoked"})
    assert (status, told["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")


def _asked(monkeypatch: pytest.MonkeyPatch, status: int, told: dict[str, Any]) -> tuple[int, Any]:
    monkeypatch.setattr(let_in, "_LONG_S", 0.0)
    routes = [Route("/", lambda _: JSONResponse(told, status))]
    layer = let_in.LetIn(Starlette(routes=routes), Keys(Away(), MovableClock()))  # type: ignore[arg-type]
    answer = TestClient(layer).get("/", headers=BEARER)
    return answer.status_code, answer.json()
