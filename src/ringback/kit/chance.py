"""Chance without a shared stream: the same key gives the same draw, whatever threads or order."""

import hashlib


def chance(seed: int, *key: str | int) -> float:
    """A number in [0, 1) that depends only on `seed` and `key`."""
    text = "\x1f".join(str(part) for part in (seed, *key))
    digest = hashlib.blake2b(text.encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)
