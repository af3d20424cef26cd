"""What media an MMS carries, told by their bytes and not by what somebody says of them.

The types are those that US carriers take: pictures, sound, video, contacts, appointments, PDF and plain text. No SVG
and no HTML: those are programs.
"""

from collections.abc import Callable
from typing import Final

UNKNOWN: Final = "application/octet-stream"
_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_BY_BRAND: Final = {
    **dict.fromkeys(_HEIF, "image/heic"),
    b"avif": None,
    b"avis": None,
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_BOMLESS = "utf-8-sig"


def _begins(*heads: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(heads)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(b"RIFF") and data[8:12] == form


def _in_boxes(data: bytes) -> str | None:
    """The type of an ISO base media file (ISO/IEC 14496-12), which its major brand tells; None for any other."""
    if data[4:8] != b"ftyp":
        return None
    brand = data[8:12]
    if brand in _BY_BRAND:
        return _BY_BRAND[brand]
    return {b"3gp": "video/3gpp", b"3g2": "video/3gpp2"}.get(brand[:3], "video/mp4")


def _is_heif(data: bytes) -> bool:
    return _in_boxes(data) == "image/heic"


def _is_film(data: bytes) -> bool:
    """Sound and video share their containers; old QuickTime has no brand."""
    kind = _in_boxes(data)
    return kind is not None and kind != "image/heic"


def _is_quicktime(data: bytes) -> bool:
    return _is_film(data) or data[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip")


def _is_mp3(data: bytes) -> bool:
    if data.startswith(b"ID3"):
        return True
    # A frame's head: eleven bits set, then version and layer; layers II and III (ISO/IEC 11172-3 section 2.4.1.3).
    return len(data) > 2 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] >> 1 & 3 in (1, 2)


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode(_BOMLESS)
    except UnicodeDecodeError:
        return False


def _card(head: bytes) -> Callable[[bytes], bool]:
    return lambda data: (
        data.removeprefix(b"\xef\xbb\xbf").lstrip().upper().startswith(head) and _is_text(data)
    )


_FITS: Final[dict[str, Callable[[bytes], bool]]] = {
    "image/jpeg": _begins(b"\xff\xd8\xff"),
    "image/png": _begins(b"\x89PNG\r\n\x1a\n"),
    "image/gif": _begins(b"GIF87a", b"GIF89a"),
    "image/webp": _riff(b"WEBP"),
    "image/heic": _is_heif,
    "image/heif": _is_heif,
    "image/bmp": lambda data: data.startswith(b"BM") and data[6:10] == bytes(4),
    "image/tiff": _begins(b"II*\0", b"MM\0*"),
    "video/mp4": _is_film,
    "video/3gpp": _is_film,
    "video/3gpp2": _is_film,
    "video/quicktime": _is_quicktime,
    "video/webm": _begins(b"\x1aE\xdf\xa3"),
    "video/mpeg": _begins(b"\0\0\1\xba", b"\0\0\1\xb3"),
    "audio/mpeg": _is_mp3,
    "audio/mp4": _is_film,
    "audio/aac": _begins(b"\xff\xf1", b"\xff\xf9"),
    "audio/ogg": _begins(b"OggS"),
    "audio/webm": _begins(b"\x1aE\xdf\xa3"),
    "audio/wav": _riff(b"WAVE"),
    "audio/amr": _begins(b"#!AMR"),
    "audio/3gpp": _is_film,
    "audio/3gpp2": _is_film,
    "application/pdf": _begins(b"%PDF-"),
    "text/vcard": _card(b"BEGIN:VCARD"),
    "text/calendar": _card(b"BEGIN:VCALENDAR"),
    "text/plain": _is_text,
    "text/csv": _is_text,
}
_ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/mp4a-latm": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/amr-nb": "audio/amr",
    "audio/vorbis": "audio/ogg",
    "application/ogg": "audio/ogg",
    "video/mpeg4": "video/mp4",
    "text/x-vcard": "text/vcard",
    "text/directory": "text/vcard",
    "application/vcard": "text/vcard",
}
TYPES: Final = tuple(_FITS)
"""Every type that is carried."""
_UNSURE: Final = ("text/plain", "text/csv")
"""Types that bytes alone don't tell: an error page is text as well."""


def named(content_type: str | None) -> str | None:
    """What a Content-Type header names, by its usual name and without parameters; None when it names nothing."""
    name = (content_type or "").partition(";")[0].strip().lower()
    return _ALIASES.get(name, name) or None


def fits(kind: str, data: bytes) -> bool:
    """Whether `data` is what `kind`, one of `TYPES`, says."""
    return _FITS[kind](data)


def told_by(data: bytes) -> str | None:
    """The type that the bytes themselves tell, one of `TYPES`; None when they don't."""
    boxed = _in_boxes(data)
    if boxed is not None:
        return boxed
    return next((kind for kind, check in _FITS.items() if kind not in _UNSURE and check(data)), None)
