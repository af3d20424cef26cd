"""What media are, by their bytes."""

import pytest

from ringback.sim.media_types import TYPES, fits, named, told_by
from tests.media import CARD, GIF, JPEG, PAGE, PNG

pytestmark = pytest.mark.unit


def boxes(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(100)


SAMPLES = {
    "image/jpeg": JPEG,
    "image/png": PNG,
    "image/gif": GIF,
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(30),
    "image/heic": boxes(b"heic"),
    "image/bmp": b"BM\x46\0\0\0" + bytes(40),
    "image/tiff": b"II*\0" + bytes(40),
    "video/mp4": boxes(b"isom"),
    "video/3gpp": boxes(b"3gp5"),
    "video/3gpp2": boxes(b"3g2a"),
    "video/quicktime": boxes(b"qt  "),
    "video/webm": b"\x1aE\xdf\xa3" + bytes(40),
    "video/mpeg": b"\0\0\1\xba" + bytes(40),
    "audio/mpeg": b"ID3\4\0" + bytes(40),
    "audio/mp4": boxes(b"M4A "),
    "audio/aac": b"\xff\xf1" + bytes(40),
    "audio/ogg": b"OggS" + bytes(40),
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
    "audio/amr": b"#!AMR\n" + bytes(40),
    "application/pdf": b"%PDF-1.7\n",
    "text/vcard": CARD,
    "text/calendar": b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_bytes_tell_what_they_are(kind: str) -> None:
    data = SAMPLES[kind]
    assert told_by(data) == kind
    assert fits(kind, data)
    assert not any(
        fits(kind, other) for other in (PAGE, b"", b"\0" * 100, PNG if kind != "image/png" else GIF)
    )


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image/heif", boxes(b"mif1")),
        ("audio/mpeg", b"\xff\xfb\x90\x00" + bytes(40)),
        ("audio/webm", SAMPLES["video/webm"]),
        ("audio/3gpp", boxes(b"3gp4")),
        ("video/quicktime", b"\0\0\0\x08wide" + bytes(40)),
        ("video/mp4", boxes(b"M4V ")),
        ("text/plain", "schön".encode()),
        ("text/plain", b"\xef\xbb\xbfwith a mark"),
        ("text/csv", b"a;b\r\n1;2\r\n"),
        ("text/vcard", b"\xef\xbb\xbfbegin:vcard\nend:vcard"),
    ],
)
def test_and_what_else_is_called_so(kind: str, data: bytes) -> None:
    assert fits(kind, data)


@pytest.mark.parametrize(
    "data",
    [PAGE, b"", b"hello", b"\xff\xfeh\0i\0", boxes(b"avif"), b"<svg xmlns=''/>", b"BMW is a car", b"\x7fELF"],
)
def test_what_no_message_carries_is_told_as_nothing(data: bytes) -> None:
    assert told_by(data) is None
    assert [kind for kind in TYPES if fits(kind, data) and not kind.startswith("text/")] == []


def test_text_is_utf_8_without_nul() -> None:
    for data in (b"a\0b", b"\xff\xfeh\0i\0", b"caf\xe9", PNG):
        assert not fits("text/plain", data)
    assert not fits("text/vcard", CARD + b"\xe9")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("image/JPG", "image/jpeg"),
        ("text/x-vcard; charset=utf-8", "text/vcard"),
        (" audio/mp3 ;x", "audio/mpeg"),
        ("application/x-unknown", "application/x-unknown"),
        ("", None),
        (";", None),
        (None, None),
    ],
)
def test_names(said: str | None, kind: str | None) -> None:
    assert named(said) == kind


def test_nothing_that_runs_is_carried() -> None:
    assert not {"image/svg+xml", "text/html", "application/xhtml+xml", "text/xml"} & set(TYPES)
