"""A mobile-originated message out of the rows that its parts are: which belong together, and the
text that they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assent.errors import InvalidInput
from assent.flow.links import Deliver, LinkHandle
from assent.text import Alphabet, SevenBit, decode, joined, parse_udh

# How a stored message is coded: an Alphabet, or 255 for none that we know, with these flags.
_NO_ALPHABET: Final = 0xFF
_UDH: Final = 0x100
_GSM: Final = 0x200
WHOLE: Final = (
    "id", "at", "carrier", "link", "carrier_id", "destination", "person_id", "fmt", "content",
)  # fmt: skip
"""What there is of every message, part or not, in the order in which it is stored."""
_COLUMNS: Final = (*WHOLE, "reference", "total", "number")


def coding_of(link: LinkHandle, deliver: Deliver) -> int:
    """Return the alphabet of a message and its flags as they are stored: numbers mean the same
    whatever the dialect of the link."""
    alphabet = link.kit.alphabet(deliver.fmt)
    coding = _NO_ALPHABET if alphabet is None else int(alphabet)
    if alphabet is Alphabet.GSM7 and link.kit.seven_bit is SevenBit.GSM:
        coding |= _GSM
    return coding | (_UDH if deliver.udhi else 0)


def as_row(values: Sequence[Any]) -> dict[str, Any]:
    """Return a message that is about to be stored (the columns of `inbound_store`) as its row."""
    return dict(zip(_COLUMNS, values, strict=True))


def is_part(row: Any) -> bool:
    """Tell whether a row is one part of several."""
    return row["total"] is not None and row["total"] > 1


def key_of(row: Any) -> tuple[int, str, int, int]:
    """Return what the parts of one message have in common."""
    return row["person_id"], row["destination"], row["reference"], row["total"]


def told(row: Any) -> tuple[int, bytes]:
    """Return a part's number and what it says."""
    return row["number"], content_of(row)


def content_of(row: Any) -> bytes:
    """Return the octets of a part without their header; all of them if that cannot be read."""
    content: bytes = row["content"]
    if row["fmt"] & _UDH:
        try:
            return parse_udh(content)[1]
        except InvalidInput:
            return content
    return content


def text_of(rows: list[Any]) -> str:
    """Return the text of a message's parts, "…" where one is missing."""
    total: int = rows[0]["total"] if is_part(rows[0]) else 1
    parts = {
        (row["number"] if total > 1 else 1): (row["fmt"] & ~_UDH, content_of(row)) for row in rows
    }
    return joined(total, parts, _decode)


def part_text(row: Any) -> str:
    """Return what one part says."""
    return _decode(row["fmt"] & ~_UDH, content_of(row))


def _decode(coding: int, content: bytes) -> str:
    try:
        alphabet = Alphabet(coding & _NO_ALPHABET)
    except ValueError:
        alphabet = Alphabet.BINARY
    if alphabet is Alphabet.BINARY:  # says nothing; what a person wrote may be in it all the same
        alphabet = Alphabet.UCS2 if len(content) % 2 == 0 and 0 in content else Alphabet.GSM7
    seven_bit = SevenBit.GSM if coding & _GSM else SevenBit.ASCII
    # A NUL cannot be stored as text; a broken surrogate neither.
    decoded = decode(content, alphabet, "replace", seven_bit=seven_bit).replace("\0", "")
    return decoded.encode("utf-8", "replace").decode("utf-8")
