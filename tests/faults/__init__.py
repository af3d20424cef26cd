"""Something breaks on purpose: processes die, start badly, stop in the middle."""
