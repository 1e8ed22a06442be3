"""What kind of content some octets are, told from the octets and not from a file's name.

Only the beginning is looked at: enough to tell an image from a programme that is called one. What
the picture shows is for the person who reviews it.
"""

from __future__ import annotations

import re
from typing import Final

TEXT: Final = "text/plain"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GIF: Final = "image/gif"
MP4: Final = "video/mp4"
V3GPP: Final = "video/3gpp"

ENDINGS: Final[dict[str, str]] = {
    TEXT: "txt",
    JPEG: "jpg",
    PNG: "png",
    GIF: "gif",
    MP4: "mp4",
    V3GPP: "3gp",
}
"""The kinds that a message may be made of, and the ending that each goes out with."""

_KIND_OF_ENDING: Final = {ending: kind for kind, ending in ENDINGS.items()} | {
    "jpeg": JPEG,
    "m4v": MP4,
    "3gpp": V3GPP,
}
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MP4_BRANDS: Final = (b"isom", b"iso", b"mp4", b"avc", b"M4V", b"MSNV", b"mmp4")
_3GPP_BRANDS: Final = (b"3gp", b"3ge", b"3gg", b"3gs")


def kind_of(data: bytes) -> str | None:
    """Return the media type of some octets, None for what a message may not be made of.

    JPEG: SOI and the marker after it (ITU-T T.81, B.2.1). PNG: its signature (W3C PNG, 5.2). GIF:
    its header (GIF89a, 17). MP4 and 3GPP: the brand in the first box, `ftyp` (ISO/IEC 14496-12,
    4.3; 3GPP TS 26.244, 5). Text: UTF-8 without control characters, and not empty.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return GIF
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand.startswith(_3GPP_BRANDS):
            return V3GPP
        return MP4 if brand.startswith(_MP4_BRANDS) else None
    return TEXT if text_of(data) else None


def text_of(data: bytes) -> str | None:
    """Return what a text frame says, without a byte order mark; None for what is no text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _NOT_TEXT.search(text) or not text.strip() else text


def kind_of_name(name: str) -> str | None:
    """Return what a file's name claims to be, None where it claims nothing that is known."""
    _, dot, ending = name.rpartition(".")
    return _KIND_OF_ENDING.get(ending.lower()) if dot else None
