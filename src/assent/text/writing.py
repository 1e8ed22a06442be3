"""How the texts for one carrier are written: in which alphabet, cut how, and signed by whom.

What is counted when an order is judged is what is written later, because both ask the same
`Writing`, which is kept with the messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput
from assent.text.alphabet import Alphabet, SevenBit, encode, fits
from assent.text.segments import (
    NOTHING_RESERVED,
    SEPTETS,
    Header,
    Reserved,
    segment,
    segment_counts,
    signature_mark,
)

LONGEST_MARK: Final = 66
"""Octets of a signature that the carrier adds, in any alphabet: half of the shortest segment."""


class Coding(Enum):
    """What texts are written in, where all their characters fit; else it is UCS-2. GSM7 is
    format 0, whose octets are ASCII on some links (`SevenBit`)."""

    UCS2 = "ucs2"
    GSM7 = "gsm7"
    LATIN1 = "latin1"
    GB18030 = "gb18030"

    @property
    def alphabet(self) -> Alphabet:
        return Alphabet[self.name]


class LongText(Enum):
    """How a text of several segments is told to the carrier."""

    UDH = "udh"  # a user data header in each, with a reference of 8 bits
    UDH16 = "udh16"  # the same with 16 bits, which leaves less room
    SAR = "sar"  # SMPP's sar_ parameters; the SMSC makes the headers (5.3.2.22-24)
    PAYLOAD = "payload"  # one PDU with SMPP's message_payload, cut up by the SMSC (5.3.2.32)


class Adds(Enum):
    """Whether the carrier itself adds the 【signature】 to every text, and where."""

    NO = "no"
    FRONT = "front"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Writing:
    """One carrier's way. `octets`: of a short message of format 0 that all its links take, header
    included. `mark`: the signature that it adds (`signed`), for which room is left."""

    coding: Coding = Coding.UCS2
    long_text: LongText = LongText.UDH
    seven_bit: SevenBit = SevenBit.ASCII
    octets: int = SEPTETS
    adds: Adds = Adds.NO
    mark: str = ""

    def signed(self, signature: str) -> Writing:
        """Return the same for texts of a port with this signature.

        Raises InvalidInput when the carrier adds one that is too long to leave room for."""
        mark = "" if self.adds is Adds.NO else signature_mark(signature)
        for alphabet in (Alphabet.UCS2, Alphabet.GB18030):
            if len(encode(mark, alphabet)) > LONGEST_MARK:
                raise InvalidInput(
                    "signature_too_long",
                    f"the carrier adds a signature of more than {LONGEST_MARK} octets",
                    field="port",
                    mend="use a port with a shorter signature",
                )
        return self if mark == self.mark else replace(self, mark=mark)

    def own(self, text: str) -> str:
        """Return what we write of a text that begins with its signature: not what the carrier
        adds."""
        return text.removeprefix(self.mark)

    def alphabet(self, text: str) -> Alphabet:
        """Return what a text of ours is written in. With what the carrier adds: a message has one
        alphabet."""
        wish = self.coding.alphabet
        if wish is Alphabet.UCS2 or fits(self.mark + text, wish, seven_bit=self.seven_bit):
            return wish
        return Alphabet.UCS2

    def counts(self, texts: Sequence[str]) -> npt.NDArray[np.uint8]:
        """Return how many segments each text takes: those that `parts` makes, or for a payload
        those that the SMSC is going to make. UCS-2 is counted for many at once.

        Raises TooLarge when a text takes more than 255."""
        counted: dict[int, int] = {}
        if self.coding is not Coding.UCS2:
            for place, text in enumerate(texts):
                alphabet = self.alphabet(text)
                if alphabet is not Alphabet.UCS2:
                    counted[place] = len(self._segments(text, alphabet, 0))
        left = ["" if place in counted else text for place, text in enumerate(texts)]
        counts = segment_counts(
            left if counted else texts, header=self._header, reserved=self._reserved
        )
        counts[list(counted)] = list(counted.values())
        return counts

    def parts(self, text: str, reference: int) -> tuple[Alphabet, list[bytes]]:
        """Return a text of ours as the contents of its SUBMITs, and their alphabet. Of a payload
        it is the whole. `reference`: see `segment`."""
        alphabet = self.alphabet(text)
        if self.long_text is LongText.PAYLOAD:
            return alphabet, [encode(text, alphabet, seven_bit=self.seven_bit)]
        return alphabet, self._segments(text, alphabet, reference)

    def _segments(self, text: str, alphabet: Alphabet, reference: int) -> list[bytes]:
        return segment(
            text,
            alphabet,
            reference=reference,
            header=self._header,
            reserved=self._reserved,
            octets=self.octets,
            seven_bit=self.seven_bit,
        )

    @property
    def _header(self) -> Header:
        return 7 if self.long_text is LongText.UDH16 else 6

    @property
    def _reserved(self) -> Reserved:
        if not self.mark:
            return NOTHING_RESERVED
        return Reserved(self.mark, "") if self.adds is Adds.FRONT else Reserved("", self.mark)

    # Kept with messages ----------------------------------------------------------------------

    def told(self) -> dict[str, Any] | None:
        """Return it as plain values; None for the usual one."""
        if self == PLAIN:
            return None
        return {
            "coding": self.coding.value,
            "long_text": self.long_text.value,
            "seven_bit": self.seven_bit.value,
            "octets": self.octets,
            "adds": self.adds.value,
            "mark": self.mark,
        }

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> Writing:
        """Return what `told` told."""
        if told is None:
            return PLAIN
        return cls(
            Coding(told["coding"]),
            LongText(told["long_text"]),
            SevenBit(told["seven_bit"]),
            told["octets"],
            Adds(told["adds"]),
            told["mark"],
        )


PLAIN: Final = Writing()
"""UCS-2, segments with headers of 8 bits, signed by ourselves."""
