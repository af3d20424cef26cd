"""A phone network for your own tests: a pytest plugin, active wherever Ringback and pytest are installed.

Its fixtures need no import: `ringback`, `handset`, `clock`, `network`, `webhook_inbox`, `ringback_scenario` (docs/testing.md). The classes
behind them are named here for annotations; they are loaded when first used, so that the plugin costs other tests
nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringback.testing.api import Answer, RequestRefused
    from ringback.testing.clock import Clock
    from ringback.testing.handsets import Handset, Handsets, Text
    from ringback.testing.inbox import ReceivedEvent, WebhookInbox
    from ringback.testing.media import Media
    from ringback.testing.network import Fault, Network
    from ringback.testing.scenarios import Scenarios
    from ringback.testing.server import Ringback

__all__ = [
    "Answer",
    "Call",
    "Clock",
    "Fault",
    "Handset",
    "Handsets",
    "Media",
    "Network",
    "ReceivedEvent",
    "RequestRefused",
    "Ringback",
    "Scenarios",
    "Text",
    "WebhookInbox",
]

_HOMES = {
    "Answer": "api",
    "Call": "calls",
    "Clock": "clock",
    "Fault": "network",
    "Handset": "handsets",
    "Handsets": "handsets",
    "Media": "media",
    "Network": "network",
    "ReceivedEvent": "inbox",
    "RequestRefused": "api",
    "Ringback": "server",
    "Scenarios": "scenarios",
    "Text": "handsets",
    "WebhookInbox": "inbox",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
