"""Spans cost nothing where nobody collects them."""

import pytest

from ringback.kit import trace

pytestmark = pytest.mark.unit


def test_nobody_collects_and_nothing_is_made() -> None:
    assert trace.tracer is None
    assert trace.span("a", "server", "req_1") is trace.span("b", "client", "req_2")
    with trace.span("a", "server", "req_1") as span:
        assert span is None
