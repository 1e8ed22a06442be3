"""SMPP message ids: text on the wire (5.2.23), integers of 64 bits everywhere else.

Who keeps millions of ids wants one small key each, and the same key from the answer to a submit and
from the receipt that comes hours later. `id_of` makes it:

- a decimal or hexadecimal id below 2^63 is its number, so that leading zeros, letter case and the
  base (see `IdForm`) make no difference;
- any other text becomes 63 bits of BLAKE2b over its octets, with the 64th bit set, so that no hash
  equals a number. The chance that a new id meets one of n kept ones is n / 2^63 (10^8 kept: one in
  9 * 10^10); that any two among n meet is about n^2 / 2^64 (10^8 kept: one in 1,800). There is no
  key: a carrier that wants its own ids to collide only confuses its own receipts.

A hash has no way back. Where the text is needed later (to query, cancel or replace at the carrier)
let the dialect keep it: `SmppDialect(keep_text=True)` makes ids `TextId`s.
"""

from __future__ import annotations

import re
from enum import Enum
from hashlib import blake2b
from typing import Final

from assent.errors import LocalProtocolError

MessageId = int | str
"""An id as our own code gives it: the key, or the text itself."""

_NUMBERS: Final = 1 << 63
_DIGITS: Final = {10: re.compile(rb"[0-9]+"), 16: re.compile(rb"[0-9A-Fa-f]+")}
_LONGEST_NUMBER: Final = 64  # octets: what a message_id holds
PLAIN_NUMBER: Final = 18
"""Digits that surely stay below 2^63."""


_BASES: Final[dict[str, tuple[int | None, int | None]]] = {
    "decimal": (10, 10),
    "hex": (16, 16),
    "hex-in-answer-decimal-in-receipt": (16, 10),
    "decimal-in-answer-hex-in-receipt": (10, 16),
    "opaque": (None, None),
}


class IdForm(Enum):
    """How a carrier writes ids: in its answers (and in receipted_message_id), and in the text of
    its receipts. The two mixed forms are field customs (facts: SMPP 4.11).

    `answer_base`, `receipt_base`: the base of the ids in each; None for opaque ones."""

    DECIMAL = "decimal"
    HEX = "hex"
    HEX_THEN_DECIMAL = "hex-in-answer-decimal-in-receipt"
    DECIMAL_THEN_HEX = "decimal-in-answer-hex-in-receipt"
    OPAQUE = "opaque"

    answer_base: int | None
    receipt_base: int | None

    def __init__(self, value: str) -> None:
        self.answer_base, self.receipt_base = _BASES[value]


class TextId(int):
    """A key that still knows its text. Equal to the plain key in every other way."""

    text: str

    @classmethod
    def of(cls, key: int, text: str) -> TextId:
        made = cls(key)
        made.text = text
        return made


def id_of(text: str | bytes, base: int | None = 10) -> int:
    """The key of an id: 0 for no text, else as the module tells. `base`: 10, 16, or None to hash
    whatever it is. Text that is no number of its base is hashed, never refused."""
    octets = text.encode("latin-1", "replace") if isinstance(text, str) else text
    octets = octets.strip()
    if not octets:
        return 0
    if base is not None and len(octets) <= _LONGEST_NUMBER and _DIGITS[base].fullmatch(octets):
        number = int(octets, base)
        if number < _NUMBERS:
            return number
    return _NUMBERS | int.from_bytes(blake2b(octets, digest_size=8).digest(), "big") >> 1


def text_of_id(message_id: MessageId, base: int | None = 10) -> str:
    """The text of an id, as `base` has it: a text and a `TextId` as they are, 0 as no text.

    Raises LocalProtocolError for a hash, and for a number that `id_of` would not give back."""
    if isinstance(message_id, str):
        return message_id
    if isinstance(message_id, TextId):
        return message_id.text
    if message_id == 0:
        return ""
    if base is None or not 0 < message_id < _NUMBERS:
        message = "this id has no text any more, or never had: give the text itself"
        raise LocalProtocolError("message_id_opaque", message, field="message_id")
    return f"{message_id:X}" if base == 16 else str(message_id)


def receipt_id(text: str, tlv: str, form: IdForm) -> int:
    """The key of the id in a receipt: `text` from its text, `tlv` from receipted_message_id; either
    may be empty.

    The TLV wins. It has the form of the answers, unless it equals the text's id: then whoever wrote
    the receipt copied one into the other, and both have the form of the text."""
    if tlv and not same_text(tlv, text):
        return id_of(tlv, form.answer_base)
    return id_of(text or tlv, form.receipt_base)


def same_text(left: str, right: str) -> bool:
    """Whether two ids are the same but for leading zeros and letter case."""
    return left == right or left.lstrip("0").lower() == right.lstrip("0").lower()
