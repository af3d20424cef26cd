import base64
import logging
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

import pytest

from ringback.storage import sealing
from ringback.storage.sealing import BrokenSeal, Sealer, SealError, WrongKey, key_id, load_or_create

pytestmark = pytest.mark.unit

KEY = bytes(range(32))
OTHER = bytes(range(32, 64))


@pytest.mark.parametrize("plain", ["whsec_abc", "", "é 😀 \0 \u2028", "x" * 100_000])
def test_opens_what_it_sealed(plain: str) -> None:
    sealer = Sealer([KEY])
    sealed = sealer.seal(plain, context="webhook.secret:wh_1")
    assert sealed.isascii()
    assert sealed.startswith(f"v1.{key_id(KEY)}.")
    assert not plain or plain not in sealed
    assert sealer.open(sealed, context="webhook.secret:wh_1") == plain


def test_sealing_twice_differs() -> None:
    sealer = Sealer([KEY])
    assert sealer.seal("a", context="c") != sealer.seal("a", context="c")


def test_a_value_stays_where_it_was_put() -> None:
    sealer = Sealer([KEY])
    sealed = sealer.seal("a", context="webhook.secret:wh_1")
    with pytest.raises(BrokenSeal):
        sealer.open(sealed, context="webhook.secret:wh_2")


def test_every_changed_character_is_noticed() -> None:
    sealer = Sealer([KEY])
    sealed = sealer.seal("some secret", context="c")
    start = sealed.rindex(".") + 1
    for at in range(start, len(sealed)):
        # Two characters on, so that the unused bits at the end are not all that differs.
        for swap in "AQgw_z":
            changed = sealed[:at] + swap + sealed[at + 1 :]
            if changed != sealed:
                with pytest.raises(BrokenSeal):
                    sealer.open(changed, context="c")


@pytest.mark.parametrize(
    "sealed",
    ["", "v1", "v1..", "v1.{id}.", "v1.{id}.A", "v1.{id}.AAAA", "v2.{id}.AAAA", "x\n", "v1.{id}.AA==", "é"],
)
def test_what_is_no_sealed_value_is_refused(sealed: str) -> None:
    with pytest.raises(SealError):
        Sealer([KEY]).open(sealed.replace("{id}", key_id(KEY)), context="c")


def test_unknown_key_is_named() -> None:
    sealed = Sealer([KEY]).seal("a", context="c")
    with pytest.raises(WrongKey) as wrong:
        Sealer([OTHER]).open(sealed, context="c")
    assert str(wrong.value) == (
        f"this store was sealed with key {key_id(KEY)}; set RINGBACK_SECRET_KEY or restore secret.key"
    )


def test_a_key_can_be_replaced() -> None:
    old = Sealer([KEY]).seal("a", context="c")
    sealer = Sealer([OTHER, KEY])
    assert sealer.open(old, context="c") == "a"
    assert not sealer.is_current(old)
    new = sealer.seal("a", context="c")
    assert sealer.is_current(new)
    assert Sealer([OTHER]).open(new, context="c") == "a"


def test_a_sealer_shows_no_key() -> None:
    sealer = Sealer([KEY])
    sealer.seal("a", context="c")
    assert KEY.hex() not in repr(sealer)
    assert repr(KEY) not in repr(sealer)


@pytest.mark.parametrize("keys", [[], [b""], [KEY, b"short"]])
def test_a_sealer_wants_whole_keys(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(keys)


def test_first_start_makes_a_private_file(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    first = load_or_create(data, None)
    file = data / "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(base64.b64decode(file.read_text())) == 32
    assert [entry.name for entry in data.iterdir()] == ["secret.key"]
    sealed = first.seal("a", context="c")
    assert load_or_create(data, "  ").open(sealed, context="c") == "a"


def test_many_first_starts_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        sealers = list(threads.map(lambda _: load_or_create(tmp_path / "d", None), range(64)))
    assert len({sealer.key_id for sealer in sealers}) == 1


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    first = load_or_create(tmp_path, None)
    assert load_or_create(tmp_path, None).key_id == first.key_id
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
        f" {KEY.hex()}\n",
        f"{KEY.hex()},{OTHER.hex()}",
    ],
)
def test_key_from_the_environment(tmp_path: Path, text: str) -> None:
    assert load_or_create(tmp_path, text).key_id == key_id(KEY)
    assert not (tmp_path / "secret.key").exists()


def test_both_alphabets_of_base64(tmp_path: Path) -> None:
    key = b"\xff\xfe" * 16
    for text in (base64.b64encode(key), base64.urlsafe_b64encode(key)):
        assert load_or_create(tmp_path, text.decode()).key_id == key_id(key)


def test_the_environment_goes_first_and_the_file_still_opens(tmp_path: Path) -> None:
    sealed = load_or_create(tmp_path, None).seal("a", context="c")
    both = load_or_create(tmp_path, KEY.hex())
    assert both.key_id == key_id(KEY)
    assert both.open(sealed, context="c") == "a"


@pytest.mark.parametrize(
    "text", ["short", "z" * 64, KEY.hex()[:-2], KEY.hex() + "00", ",", "é" * 32, "====", "A" * 45]
)
def test_bad_key_is_one_clear_line_without_the_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="RINGBACK_SECRET_KEY") as bad:
        load_or_create(tmp_path, text)
    assert "\n" not in str(bad.value)
    assert text == "," or text not in str(bad.value)


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\xff\xfe"])
def test_a_spoilt_file_is_kept_and_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret.key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(ValueError, match=r"secret\.key"):
        load_or_create(tmp_path, None)
    assert file.read_bytes() == content


def test_a_file_others_can_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_or_create(tmp_path, None)
    (tmp_path / "secret.key").chmod(0o640)
    with caplog.at_level(logging.WARNING, sealing.__name__):
        load_or_create(tmp_path, None)
    assert "chmod 600" in caplog.text


def test_cryptography_is_imported_on_first_use() -> None:
    code = (
        "import sys, ringback.storage.sealing as s; sealer = s.Sealer([bytes(32)]); "
        "assert not any(name.startswith('cryptography') for name in sys.modules); sealer.seal('a', context='c')"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0
