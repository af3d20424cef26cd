"""Worlds by seed: the whole server on virtual time, everything that can go wrong, and an oracle (docs/worlds.md)."""
