"""Secrets at rest: sealed with AES-256-GCM under a key that is not in the database.

A sealed value is the text `v1.<key id>.<base64url of nonce, ciphertext and tag>`. Its context (such as
`webhook.secret:wh_01...`) is authenticated with it, so a value moved to another row does not open.
"""

import base64
import binascii
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
KEY_FILE: Final = "secret.key"
KEY_VARIABLE: Final = "RINGBACK_SECRET_KEY"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SEALED: Final = re.compile(r"v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)", re.ASCII)

_log = logging.getLogger(__name__)


class SealError(ValueError):
    """The sealed value can't be opened."""


class WrongKey(SealError):
    """This store was sealed with another key."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"this store was sealed with key {key_id}; set {KEY_VARIABLE} or restore {KEY_FILE}")
        self.key_id = key_id


class BrokenSeal(SealError):
    """The sealed value was changed, or belongs to another place."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Sealer:
    """Seals with the first of its keys and opens with any of them, so that a key can be replaced."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are of 32 bytes each; `ValueError` when there is none or one has another length."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a sealing key is needed, of exactly {KEY_BYTES} bytes")
        self._keys = {key_id(key): key for key in reversed(keys)}
        self._key_id = key_id(keys[0])
        self._ciphers: dict[str, AESGCM] = {}

    @property
    def key_id(self) -> str:
        """The id of the key that seals: 8 hex characters."""
        return self._key_id

    def seal(self, plain: str, *, context: str) -> str:
        """`plain` sealed for `context`: the place where it is kept, and unique to it."""
        nonce = os.urandom(_NONCE_BYTES)
        data = self._cipher(self._key_id).encrypt(nonce, plain.encode(), _bound(self._key_id, context))
        return f"v1.{self._key_id}.{_to_text(nonce + data)}"

    def open(self, sealed: str, *, context: str) -> str:
        """What was sealed for `context`. `WrongKey`, or `BrokenSeal` when value and context don't agree."""
        match = _SEALED.fullmatch(sealed)
        if match is None:
            raise BrokenSeal
        used, text = match.groups()
        if used not in self._keys:
            raise WrongKey(used)
        return self._decrypt(used, _from_text(text), _bound(used, context)).decode()

    def is_current(self, sealed: str) -> bool:
        """Whether `sealed` was sealed with the first key; otherwise it waits for its rotation."""
        return sealed.startswith(f"v1.{self._key_id}.")

    def _decrypt(self, used: str, data: bytes, bound: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        if len(data) < _NONCE_BYTES + _TAG_BYTES:
            raise BrokenSeal
        try:
            return self._cipher(used).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound)
        except InvalidTag:
            raise BrokenSeal from None

    def _cipher(self, used: str) -> "AESGCM":
        cipher = self._ciphers.get(used)
        if cipher is None:
            # The import costs 30 to 50 ms, so it waits for the first secret.
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            cipher = self._ciphers[used] = AESGCM(self._keys[used])
        return cipher


def load_or_create(data: Path, from_environment: str | None) -> Sealer:
    """The sealer of the store in folder `data`.

    `from_environment` is the value of RINGBACK_SECRET_KEY: one key, or several separated by commas, the first
    of which seals. It goes before `<data>/secret.key`, which then still opens (so a key can move from one to
    the other). With neither, the file is made (0600). `ValueError` with one line when a key can't be read.
    """
    path = data / KEY_FILE
    if from_environment is not None and from_environment.strip():
        keys = _read_keys(from_environment.split(","), KEY_VARIABLE)
        return Sealer([*keys, *(_load(path) if path.exists() else [])])
    if not path.exists():
        _create(path)
    return Sealer(_load(path))


def key_id(key: bytes) -> str:
    """The name of a key: 8 hex characters of a hash, which tell nothing about the key."""
    return hashlib.sha256(b"ringback sealing key\0" + key).hexdigest()[:8]


def _bound(used: str, context: str) -> bytes:
    return f"v1.{used}.{context}".encode()


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise BrokenSeal from None
    return data


def _read_keys(texts: Iterable[str], source: str) -> list[bytes]:
    keys = [_read_key(text.strip(), source) for text in texts if text.strip()]
    if not keys:
        raise ValueError(f"{source} holds no key")
    return keys


def _read_key(text: str, source: str) -> bytes:
    """The key that `text` spells in hex or base64 (either alphabet, with or without padding)."""
    key = b""
    with suppress(ValueError):
        if len(text) == 2 * KEY_BYTES:
            key = bytes.fromhex(text)
        else:
            plain = text.rstrip("=").replace("-", "+").replace("_", "/")
            key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError(f"{source} must be {KEY_BYTES} bytes in base64 or hex")
    return key


def _load(path: Path) -> list[bytes]:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        _log.warning("%s can be read by others; run: chmod 600 %s", path, path)
    try:
        text = path.read_text("ascii")
    except UnicodeDecodeError:
        text = "?"
    return _read_keys(text.splitlines(), str(path))


def _create(path: Path) -> None:
    """Make the key file, whole or not at all; a process that was quicker wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    text = base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"
    try:
        _write_new(draft, text)
        with suppress(FileExistsError):
            _link(draft, path, text)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _link(draft: Path, path: Path, text: bytes) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        _write_new(path, text)


def _write_new(path: Path, text: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
