import pytest

from ringback.kit.blank import is_blank

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    ["", " ", "\t\r\n\x0b", "\u00a0\u2003\u3000\u2028", "\u200b\u2060\ufeff", "\u202e\u3164\ufe0f", "\x07"],
)
def test_nothing_to_see(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["0", ".", " a ", "\u200bа", "👋🏽", "❤\ufe0f", "\u0301", "€"])
def test_something_to_see(text: str) -> None:
    assert not is_blank(text)
