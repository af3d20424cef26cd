"""The plainest answer."""

from ringback.kit.wire import CamelWire


class Success(CamelWire):
    success: bool
