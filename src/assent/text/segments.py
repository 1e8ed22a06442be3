"""What the receiver sees, cut into short messages.

A short message holds 140 octets of user data (facts 6.2). A longer text goes as several, each
with a user data header that names its place. Nothing that is one character is ever cut: surrogate
pairs, GSM escape pairs, multi-octet characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput, TooLarge
from assent.text.alphabet import ESCAPE, Alphabet, SevenBit, encode

Header = Literal[6, 7]
Position = Literal["front", "back"]

OCTETS = 140
SEPTETS = 160
MOST_SEGMENTS = 255
_CHUNK = 4096


class Reserved(NamedTuple):
    """Text that the carrier itself adds at the front of the first segment and at the back of the
    last, and for which room must be left."""

    front: str
    back: str


NOTHING_RESERVED = Reserved("", "")


def signature_mark(signature: str) -> str:
    """A sender's name as receivers see it: 【name】. A mark is left as it is; "" stays empty."""
    if not signature or (signature.startswith("【") and signature.endswith("】")):
        return signature
    return f"【{signature}】"


def compose(
    signature: str, body: str, refusal_wording: str | None, position: Position = "front"
) -> str:
    """What the receiver sees: "【signature】body refusal-wording" (facts 6.3), or the signature at
    the back. A body that carries mark or wording at that place already does not get it twice."""
    mark = signature_mark(signature)
    told = not refusal_wording or body.endswith(refusal_wording)
    text = body if told else f"{body} {refusal_wording}"
    if position == "back":
        return text if mark and text.endswith(mark) else text + mark
    return text if mark and text.startswith(mark) else mark + text


def _limits(alphabet: Alphabet, header: Header, octets: int = SEPTETS) -> tuple[int, int]:
    """(octets of a text that goes alone, octets of text in each of several)."""
    if header not in (6, 7):
        raise InvalidInput("udh_size", f"a header of {header} octets", field="header")
    if alphabet is Alphabet.GSM7:  # one octet a septet; the header takes whole septets
        return min(SEPTETS, octets), min(SEPTETS - (header * 8 + 6) // 7, octets - header)
    alone, several = OCTETS, OCTETS - header
    return alone, several & ~1 if alphabet is Alphabet.UCS2 else several


def segment(
    text: str,
    alphabet: Alphabet,
    *,
    reference: int,
    header: Header = 6,
    reserved: Reserved = NOTHING_RESERVED,
    octets: int = SEPTETS,
    seven_bit: SevenBit = SevenBit.ASCII,
) -> list[bytes]:
    """Return the contents of the short messages that carry a text, in order; with a header in
    front of each when there are several (then the protocol's UDH flag must be set).

    reference: the same for all segments, different from the last messages to the same person; its
    low 8 (header 6) or 16 bits (header 7) are used. octets: of a short message of format 0, header
    included, when a link takes fewer than the standard (CMPP takes 159, SMGP 140).
    Raises InvalidInput for characters outside the alphabet and for reserved texts over half a
    segment, TooLarge past 255 segments."""
    data = encode(text, alphabet, seven_bit=seven_bit)
    alone, several = _limits(alphabet, header, octets)
    front, back = (len(encode(part, alphabet, seven_bit=seven_bit)) for part in reserved)
    if max(front, back) > several // 2:
        raise InvalidInput(
            "reserved_too_long",
            "signature or refusal wording over half a segment",
            field="signature",
        )
    if front + len(data) + back <= alone:
        return [data]
    parts = _cut(data, alphabet, several, front, back)
    total = len(parts)
    if total > MOST_SEGMENTS:
        raise TooLarge("too_many_segments", f"{total} segments, 255 are possible", field="text")
    if header == 6:
        lead = bytes((5, 0, 3, reference & 0xFF, total))
    else:
        lead = bytes((6, 8, 4, reference >> 8 & 0xFF, reference & 0xFF, total))
    return [lead + bytes((number,)) + part for number, part in enumerate(parts, 1)]


def _cut(data: bytes, alphabet: Alphabet, size: int, front: int, back: int) -> list[bytes]:
    """At least two parts of at most `size` octets, the first `front` and the last `back` less."""
    parts: list[bytes] = []
    start, room = 0, size - front
    while len(data) - start > room:
        end = _boundary(data, start, start + room, alphabet)
        parts.append(data[start:end])
        start, room = end, size
    last = data[start:]
    if len(last) > room - back or not parts:
        # Room for `back` must stand in the last segment: a further one takes the overflow, which
        # is at least one character.
        wish = min(size - back if parts else room, len(last) - 1)
        end = _boundary(last, 0, wish, alphabet)
        if end > 0:
            parts.append(last[:end])
            last = last[end:]
    parts.append(last)
    return parts


def _boundary(data: bytes, start: int, end: int, alphabet: Alphabet) -> int:
    """The last boundary between characters in start..end."""
    if alphabet is Alphabet.UCS2:
        end -= (end - start) & 1
        return end - 2 if end < len(data) and data[end] & 0xFC == 0xDC else end  # low surrogate
    if alphabet is Alphabet.GSM7:
        return end - 1 if data[end - 1] == ESCAPE else end
    if alphabet is Alphabet.GB18030:
        at = start
        while True:
            after = at + _gb18030_width(data, at)
            if after > end:
                return at
            at = after
    return end


def _gb18030_width(data: bytes, at: int) -> int:
    """Octets of the GB18030 character at a boundary: 1 below 0x80, 4 when its second octet is a
    digit 0x30-0x39, else 2. Past the end: 1, so that a scan always ends."""
    if at + 1 >= len(data) or data[at] < 0x80:
        return 1
    return 4 if 0x30 <= data[at + 1] <= 0x39 else 2


def _units(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """UTF-16 units of each text."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    # Whether a character beyond the basic plane is among them is asked once for all.
    joined = "".join(texts)
    if not joined.isascii() and len(joined.encode("utf-16-le", "surrogatepass")) != 2 * len(joined):
        lengths = np.fromiter(
            (len(t.encode("utf-16-le", "surrogatepass")) // 2 for t in texts), np.int64, len(texts)
        )
    return lengths


def _counts(units: npt.NDArray[np.int64], alone: int, several: int) -> npt.NDArray[np.int64]:
    return np.where(units <= alone, 1, -(-units // several))


def segment_counts(
    texts: Sequence[str], *, header: Header = 6, reserved: Reserved = NOTHING_RESERVED
) -> npt.NDArray[np.uint8]:
    """How many short messages each text takes in UCS-2: the length of what `segment` returns for
    it. Made for many texts at once; one of the basic plane costs a fraction of a microsecond.

    Raises TooLarge naming the first text past 255 segments."""
    counts = np.empty(len(texts), np.int64)
    extra = int(_units([reserved.front + reserved.back])[0])
    alone, several = (octets // 2 for octets in _limits(Alphabet.UCS2, header))
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        units = _units(chunk)
        some = _counts(units + extra, alone, several)
        lengths = np.fromiter(map(len, chunk), np.int64, len(chunk))
        for i in np.flatnonzero((units != lengths) & (units + extra > alone)):
            # Pairs that fall on an edge move to the next segment: only cutting tells.
            parts = segment(
                chunk[int(i)], Alphabet.UCS2, reference=0, header=header, reserved=reserved
            )
            some[i] = len(parts)
        counts[start : start + len(chunk)] = some
    if counts.size and counts.max() > MOST_SEGMENTS:
        worst = int(np.argmax(counts > MOST_SEGMENTS))
        raise TooLarge(
            "too_many_segments", f"text {worst} takes {counts[worst]} segments", field="text"
        )
    return counts.astype(np.uint8)


def billing_counts(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Units that Chinese carriers charge for each text as the receiver sees it, signature and
    refusal wording included: 1 up to 70 characters, then one for each 67 begun. An ASCII character
    counts as one, one beyond the basic plane as two (facts 6.2)."""
    parts = [
        _counts(_units(texts[start : start + _CHUNK]), 70, 67)
        for start in range(0, len(texts), _CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def parse_udh(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Split content whose UDH flag is set: ([(element identifier, its octets)], the rest).

    Raises InvalidInput when the header's lengths do not fit."""
    if not data or 1 + data[0] > len(data):
        raise InvalidInput("udh_length", "the user data header is cut off", field="content")
    end, at = 1 + data[0], 1
    elements: list[tuple[int, bytes]] = []
    while at < end:
        if at + 2 > end or at + 2 + data[at + 1] > end:
            raise InvalidInput("udh_length", "an element leaves the header", field="content")
        size = data[at + 1]
        elements.append((data[at], data[at + 2 : at + 2 + size]))
        at += 2 + size
    return elements, data[end:]


def concat_of(elements: Sequence[tuple[int, bytes]]) -> tuple[int, int, int] | None:
    """(reference, total, number) of a segment, from an 8- or 16-bit element; None for a message of
    its own and for numbers that make no sense. The last such element counts (GSM 03.40)."""
    found = None
    for identifier, value in elements:
        if identifier == 0x00 and len(value) == 3:
            found = (value[0], value[1], value[2])
        elif identifier == 0x08 and len(value) == 4:
            found = (value[0] << 8 | value[1], value[2], value[3])
    if found is None or not 1 <= found[2] <= found[1]:
        return None
    return found
