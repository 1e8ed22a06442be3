"""What customers' links handed in: one piece a submit, as it is stored until it is judged.

A piece knows people by id, as everything else does; how the customer wrote a number is kept as a
form, so that its receipt can repeat it without storing the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from assent.flow.customers import Handed, Wanted
from assent.text import SevenBit

_CHINA: Final = "86"
PLAIN, NATIONAL, PLUS, ZEROS, RAW = range(5)
"""Forms of a number: with country code; a Chinese one without; with + or 00 before it; RAW is one
that cannot be read, kept as it came."""


class Piece(msgspec.Struct, array_like=True):
    """One submit. One entry a receiver: `people` (0 where the number is wrong), `faults`, `forms`,
    `ids` (unsigned); `raw`: the wrong numbers, in order. Times in unix seconds."""

    source: str
    people: list[int]
    faults: list[int]
    forms: list[int]
    raw: list[str]
    ids: list[int]
    alphabet: int
    gsm: bool
    content: bytes
    part: tuple[int, int, int] | None
    wanted: int
    not_before: float | None
    expires_at: float | None
    node: int = 0

    @property
    def seven_bit(self) -> SevenBit:
        """What the octets of a 7-bit text are."""
        return SevenBit.GSM if self.gsm else SevenBit.ASCII


@dataclass(slots=True, eq=False)
class Waiting:
    """A stored piece that waits to be judged. `numbers`: of its receivers, 0 where wrong."""

    row: int
    link_id: int
    at: float
    piece: Piece
    numbers: list[int]


@dataclass(slots=True, eq=False)
class Whole:
    """A message: the pieces that it came in, and its text."""

    pieces: list[Waiting]
    text: str

    @property
    def first(self) -> Piece:
        return self.pieces[0].piece

    @property
    def wanted(self) -> int:
        """Which reports are asked for: as any piece does; ALWAYS beats FAILURES."""
        words = {one.piece.wanted for one in self.pieces}
        if Wanted.ALWAYS.value in words:
            return Wanted.ALWAYS.value
        return max(words)

    def ids(self, receiver: int) -> list[int]:
        """What the customer calls this message to one of its receivers: an id a piece."""
        return [one.piece.ids[receiver] for one in self.pieces]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Piece).decode


def piece_of(
    handed: Handed, people: Sequence[int], numbers: Sequence[int], faults: Sequence[int]
) -> Piece:
    """Return the piece of a submit whose receivers are looked up."""
    forms = [
        RAW if fault else form_of(written, number)
        for written, number, fault in zip(handed.numbers, numbers, faults, strict=True)
    ]
    return Piece(
        handed.source,
        list(people),
        list(faults),
        forms,
        [text for text, fault in zip(handed.numbers, faults, strict=True) if fault],
        handed.ids,
        int(handed.alphabet),
        handed.seven_bit is SevenBit.GSM,
        handed.content,
        handed.part,
        handed.wanted.value,
        handed.not_before,
        handed.expires_at,
        handed.node,
    )


def form_of(written: str, number: int) -> int:
    """Return the form in which a number was written."""
    digits = str(number)
    if written == digits:
        return PLAIN
    if written.startswith("+"):
        return PLUS
    if written.startswith("00"):
        return ZEROS
    return NATIONAL if digits.startswith(_CHINA) else PLAIN


def written(form: int, number: int) -> str:
    """Return a number as it was written; "" for one that nobody has any more."""
    if not number:
        return ""
    digits = str(number)
    if form == NATIONAL:
        return digits.removeprefix(_CHINA)
    return {PLUS: "+", ZEROS: "00"}.get(form, "") + digits
