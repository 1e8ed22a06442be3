"""Alphabets of short messages: what a text may be written in, and how it looks on the wire.

`Alphabet` values are CMPP's Msg_Fmt (facts 6.1). Format 0 is carried unpacked, one septet an
octet. By the custom of Chinese networks those octets are ASCII; elsewhere they are the GSM 03.38
default alphabet with its extension table. Which of the two is an option of the link: `SevenBit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import Literal

from assent.errors import InvalidInput

Errors = Literal["strict", "replace"]

ESCAPE = 0x1B
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38 6.2.1: the character of each septet; 0x1B leads to the extension table."""

GSM_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
"""GSM 03.38 6.2.1.1: the character of each septet after an escape."""

_TO_GSM = {c: bytes((i,)) for i, c in enumerate(GSM_BASIC) if i != ESCAPE} | {
    c: bytes((ESCAPE, i)) for i, c in GSM_EXTENSION.items()
}


class Alphabet(IntEnum):
    """Values are CMPP's Msg_Fmt. LATIN1 is SMPP's data_coding 3; in CMPP that number is a SIM
    write, so it is never chosen for CMPP."""

    GSM7 = 0
    LATIN1 = 3
    BINARY = 4
    UCS2 = 8
    GB18030 = 15


class SevenBit(Enum):
    """What the octets of format 0 stand for on a link."""

    ASCII = "ascii"
    GSM = "gsm"


_CODECS = {Alphabet.LATIN1: "latin-1", Alphabet.UCS2: "utf-16-be", Alphabet.GB18030: "gb18030"}


def alphabet_of(text: str, *, seven_bit: SevenBit = SevenBit.ASCII) -> Alphabet:
    """Return GSM7 when the text fits format 0 of the link, else UCS2."""
    return Alphabet.GSM7 if fits(text, Alphabet.GSM7, seven_bit=seven_bit) else Alphabet.UCS2


def fits(text: str, alphabet: Alphabet, *, seven_bit: SevenBit = SevenBit.ASCII) -> bool:
    """Tell whether every character is in the alphabet. UCS2 and GB18030 have all that there are
    (a lone surrogate is none); BINARY has none."""
    if alphabet is Alphabet.GSM7:
        return text.isascii() if seven_bit is SevenBit.ASCII else _TO_GSM.keys() >= set(text)
    if alphabet is Alphabet.LATIN1:
        return not text or max(text) <= "\xff"
    return alphabet is not Alphabet.BINARY


def alphabet_of_format(fmt: int) -> Alphabet | None:
    """The alphabet of a Msg_Fmt that arrived; None for one that says nothing we can read.

    0x10 and 0x18 are formats 0 and 8 with a message class ("flash"), met in practice; 3 is a SIM
    write, not Latin-1."""
    if fmt & 0xF0 == 0x10:
        fmt &= 0x0C
    if fmt == Alphabet.LATIN1:
        return None
    try:
        return Alphabet(fmt)
    except ValueError:
        return None


def encode(text: str, alphabet: Alphabet, *, seven_bit: SevenBit = SevenBit.ASCII) -> bytes:
    """Return the octets of a text. Raises InvalidInput when a character is not in the alphabet
    (a lone surrogate is in none) and for BINARY, which carries no text."""
    try:
        if alphabet is Alphabet.GSM7:
            if seven_bit is SevenBit.ASCII:
                return text.encode("ascii")
            return b"".join([_TO_GSM[character] for character in text])
        return text.encode(_CODECS[alphabet])
    except (UnicodeEncodeError, KeyError):
        raise InvalidInput(
            "text_alphabet",
            f"the text cannot be written in {alphabet.name}",
            field="text",
            mend="use UCS2, which holds every character",
        ) from None


def encode_ucs2(texts: Sequence[str]) -> list[bytes]:
    """Return the octets of many texts; as :func:`encode` in all else, at a third of its cost."""
    try:
        return [text.encode("utf-16-be") for text in texts]
    except UnicodeEncodeError:
        return [encode(text, Alphabet.UCS2) for text in texts]  # which tells what is wrong


def decode(
    data: bytes,
    alphabet: Alphabet,
    errors: Errors = "strict",
    *,
    seven_bit: SevenBit = SevenBit.ASCII,
) -> str:
    """Return the text of octets without their user data header. "replace" reads what is broken as
    U+FFFD; "strict" raises InvalidInput. BINARY carries no text: InvalidInput always."""
    try:
        if alphabet is Alphabet.GSM7:
            if seven_bit is SevenBit.ASCII:
                return data.decode("ascii", errors)
            return _decode_gsm(data, errors)
        return data.decode(_CODECS[alphabet], errors)
    except (UnicodeDecodeError, KeyError):
        raise InvalidInput(
            "text_octets", f"the octets are no {alphabet.name} text", field="content"
        ) from None


def _decode_gsm(data: bytes, errors: Errors) -> str:
    """GSM 03.38: an escape before a septet that the extension table lacks shows that septet's
    basic character (6.2.1, note 1); only octets above 0x7F and an escape at the end are broken."""
    out: list[str] = []
    escaped = False
    for octet in data:
        if octet > 0x7F:
            if errors == "strict":
                raise UnicodeDecodeError("gsm0338", data, 0, len(data), "octet above 0x7F")
            out.append("\ufffd")
            escaped = False
        elif escaped:
            out.append(GSM_EXTENSION.get(octet, " " if octet == ESCAPE else GSM_BASIC[octet]))
            escaped = False
        elif octet == ESCAPE:
            escaped = True
        else:
            out.append(GSM_BASIC[octet])
    if escaped:
        if errors == "strict":
            raise UnicodeDecodeError("gsm0338", data, 0, len(data), "escape at the end")
        out.append("\ufffd")
    return "".join(out)
