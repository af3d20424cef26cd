"""The pytest plugin: fixtures that are a phone system and both ends of its network.

Every pytest run of every project that has Ringback installed loads this module, so it imports nothing heavy: what a
fixture needs is imported when a test first asks for it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from ringback.testing import Clock, Handsets, Network, Ringback, Scenarios, WebhookInbox


@pytest.fixture
def ringback_settings() -> dict[str, Any]:
    """Settings of the server under test, by name (`number_limit`, `sim_handsets` ...); override it to give some.

    Nothing is taken from the environment or from ringback.toml.
    """
    return {}


@pytest.fixture
def ringback_asgi() -> "Callable[[ASGIApp], ASGIApp]":
    """What wraps the server's ASGI application; nothing, unless overridden."""
    return lambda app: app


@pytest.fixture(scope="session")
def _ringback_template(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[], Path]":
    """Where an empty SQLite store is that needs no migration; made once, when it is first needed."""
    made: list[Path] = []

    def template() -> Path:
        from ringback.testing.server import make_template

        if not made:
            made.append(make_template(tmp_path_factory.mktemp("ringback-template")))
        return made[0]

    return template


@pytest.fixture
def ringback(
    tmp_path_factory: pytest.TempPathFactory,
    ringback_settings: dict[str, Any],
    ringback_asgi: "Callable[[ASGIApp], ASGIApp]",
    _ringback_template: "Callable[[], Path]",
) -> "Iterator[Ringback]":
    """A server of its own for each test: a fresh store, a free port, the simulated network behind it."""
    from ringback.testing.server import serve

    with serve(
        tmp_path_factory.mktemp("ringback"),
        settings=ringback_settings,
        wrap=ringback_asgi,
        template=_ringback_template,
    ) as server:
        yield server


@pytest.fixture
def handset(ringback: "Ringback") -> "Handsets":
    """Makes phones on the simulated network: `handset(number=None, name=None, personality="answers")`."""
    from ringback.testing.handsets import Handsets

    return Handsets(ringback.api)


@pytest.fixture
def clock(ringback: "Ringback") -> "Clock":
    """The server's clock, which a test may freeze and move forward."""
    from ringback.testing.clock import Clock

    return Clock(ringback.api)


@pytest.fixture
def network(ringback: "Ringback") -> "Network":
    """The simulated network's line: its settings and its faults."""
    from ringback.testing.network import Network

    return Network(ringback.api)


@pytest.fixture
def ringback_scenario(ringback: "Ringback") -> "Scenarios":
    """Plays a saved call again, and fails where it does not hold: `ringback_scenario("call.yaml", number=number)`."""
    from ringback.testing.scenarios import Scenarios

    return Scenarios(ringback.api)


@pytest.fixture
def webhook_inbox() -> "Iterator[WebhookInbox]":
    """A web server on this machine that keeps, and verifies, the webhooks it gets."""
    from ringback.testing.inbox import WebhookInbox

    with WebhookInbox() as inbox:
        yield inbox
