"""Spellings of a number as carriers write their ids."""

from hypothesis import strategies as st

BASES = ("hex", "decimal")


def spellings(number: int, base: str) -> st.SearchStrategy[str]:
    """The number in a base, in any case, with zeros before it, and as hexadecimal with `0x` too."""
    digits = f"{number:x}" if base == "hex" else str(number)
    prefixes = ("", "0x", "0X") if base == "hex" else ("",)
    return st.builds(
        lambda prefix, zeros, upper: prefix + "0" * zeros + (digits.upper() if upper else digits),
        st.sampled_from(prefixes),
        st.integers(0, 10),
        st.booleans(),
    )
