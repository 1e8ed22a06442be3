"""What explanations of PDUs are made of in any dialect: fields one by one, words for values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from assent.errors import InvalidInput
from assent.text import Alphabet, SevenBit, concat_of, decode, parse_udh
from assent.wire.frame import Field, MalformedPdu, Step, text_of

Segment = tuple[int, int, int]
"""(reference, total, number) of a part of a long message."""

Words = Mapping[Any, str] | Callable[[Any], str]
"""What the values of a field mean: a table or a function of any value of the field's kind."""

HEADER, TLVS, REPORT = "header", "tlvs", "report"


class Note(NamedTuple):
    """One field: `at` and `size` in octets from the PDU's first; `value` as in `Pdu.fields` (of an
    optional parameter as `value_of` or `named` of its dialect gives it); `meaning` in words, ""
    where the value says it; `clause` of the dialect's tables. `title`: what the specification calls
    it, "" where `name` is that. `group`: what it is a part of, "" for a field of the body itself;
    of a repeated group with the place in it after a dot ("nodes.0")."""

    at: int
    size: int
    name: str
    value: Any
    meaning: str
    clause: str
    title: str = ""
    group: str = ""


class Piece(NamedTuple):
    """A field as it stands in a PDU; `at` and `size` in octets. `group` as in Note."""

    field: Field
    at: int
    size: int
    value: Any
    group: str = ""


class Content(NamedTuple):
    """The octets of a text and all that says how to read them. `sar`: the segment, where the
    dialect tells it outside of the octets."""

    octets: bytes
    alphabet: Alphabet | None
    has_header: bool = False
    sar: Segment | None = None
    seven_bit: SevenBit = SevenBit.ASCII


Groups = Mapping[str, Sequence[Field]]
Steps = Mapping[str, Callable[[Field], Step]]


def walk(
    fields: Sequence[Field],
    data: bytes,
    at: int,
    *,
    steps: Steps | None = None,
    groups: Groups | None = None,
) -> Iterator[Piece]:
    """Read the fields of a body that begins at octet `at` and ends with the data, one by one; kind
    "TLV" is left to the caller (`parameters`). `steps`: what reads further kinds; `groups`: the
    fields of kinds that repeat several.

    Raises MalformedPdu, after all that could be read, at the field that does not fit, or at the
    first octet behind the last."""
    values: dict[str, Any] = {}
    for field in fields:
        if field.kind == "TLV":
            return
        if groups and field.kind in groups:
            for i in range(values[field.by]):
                for piece in _rows(groups[field.kind], data, at):
                    yield piece._replace(group=f"{field.name}.{i}")
                    at = piece.at + piece.size
            continue
        if steps and field.kind in steps:
            after = steps[field.kind](field).decode(data, at, len(data), values)
        else:
            after = at + _size(field, values)
            values[field.name] = _value(field, data, at, after)
        yield Piece(field, at, after - at, values[field.name])
        at = after
    if at != len(data):
        raise MalformedPdu(f"{len(data) - at} octets more than the table has", "length", at=at)


def _rows(fields: Sequence[Field], data: bytes, at: int) -> Iterator[Piece]:
    for field in fields:
        after = at + field.width
        yield Piece(field, at, field.width, _value(field, data, at, after))
        at = after


def _size(field: Field, values: Mapping[str, Any]) -> int:
    if field.kind == "BYTES":
        return int(values[field.by])
    return field.width * (values[field.by] if field.by else 1)


def _value(field: Field, data: bytes, at: int, after: int) -> Any:
    if after > len(data):
        why = f"{field.by} does not fit: " if field.by else ""
        lack = f"{why}{field.name} needs {after - at} octets, {len(data) - at} are left"
        raise MalformedPdu(lack, "length", at=at)
    octets = data[at:after]
    if field.kind == "U":
        return int.from_bytes(octets, "big")
    if field.kind == "OS":
        return text_of(octets)
    if field.kind == "LIST":
        return [text_of(data[i : i + field.width]) for i in range(at, after, field.width)]
    return octets


def parameters(data: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """(at, tag, octets) of optional parameters from octet `at` to the end, whose tags and lengths
    have two octets each. Raises MalformedPdu at the first that does not fit, after those that
    do."""
    while at < len(data):
        if at + 4 > len(data):
            few = f"{len(data) - at} octets are too few for an optional parameter"
            raise MalformedPdu(few, "length", at=at)
        tag, size = (int.from_bytes(data[i : i + 2], "big") for i in (at, at + 2))
        if at + 4 + size > len(data):
            message = f"optional parameter {tag:#06x} leaves the PDU"
            raise MalformedPdu(message, "length", at=at + 2)
        yield at, tag, data[at + 4 : at + 4 + size]
        at += 4 + size


def meaning(words: Words | None, value: Any) -> str:
    """What a value means; "" when nobody says."""
    if words is None:
        return ""
    return words(value) if callable(words) else words.get(value, "not in the table")


def read_text(content: Content | None) -> tuple[str | None, Segment | None]:
    """The text, what is broken in it as U+FFFD, and which segment it is. No text of a binary or
    unknown alphabet, nor where the user data header does not fit its octets."""
    if content is None:
        return None, None
    octets, segment = content.octets, content.sar
    if content.has_header:
        try:
            elements, octets = parse_udh(octets)
        except InvalidInput:
            return None, segment
        segment = segment or concat_of(elements)
    if content.alphabet is None or content.alphabet is Alphabet.BINARY:
        return None, segment
    return decode(octets, content.alphabet, "replace", seven_bit=content.seven_bit), segment


# --- words that several dialects share

FORMATS: dict[int, str] = {
    0: "ASCII",
    3: "SIM write",
    4: "binary",
    8: "UCS-2",
    15: "GB18030",
    0x10: "ASCII, shown at once",
    0x18: "UCS-2, shown at once",
    246: "(U)SIM data",
}
UDHI: dict[int, str] = {0: "text only", 1: "begins with a user data header"}
KINDS_OF_NUMBER: dict[int, str] = {0: "real number", 1: "pseudo code"}


def both(said: tuple[str, ...]) -> str:
    """A row of a table in words, what it says twice once."""
    return ", ".join(dict.fromkeys(said))


def version(value: int) -> str:
    """A version of two nibbles."""
    return f"{value >> 4}.{value & 15}"


def stamp(value: int) -> str:
    """A time of the year as the number MMDDHHMMSS."""
    t = f"{value:010}"
    return f"{t[:2]}-{t[2:4]} {t[4:6]}:{t[6:8]}:{t[8:]}" if len(t) == 10 else "no time"


def date_time(value: str) -> str:
    """YYMMDDHHMM with or without seconds, or YYYYMMDDHHMMSS."""
    if not value:
        return ""
    full = value if len(value) == 14 else f"20{value}"
    if len(full) not in (12, 14) or not (full.isascii() and full.isdigit()):
        return "no time"
    seconds = f":{full[12:]}" if full[12:] else ""
    return f"{full[:4]}-{full[4:6]}-{full[6:8]} {full[8:10]}:{full[10:12]}{seconds}"


def moment(value: str) -> str:
    """A time as SMPP writes it, YYMMDDhhmmsstnnp, absolute or relative."""
    if not value:
        return "not set"
    if len(value) not in (15, 16) or not (value[:12].isascii() and value[:12].isdigit()):
        return "no time"
    if value[-1] == "R":
        years, months, days, hours, minutes, seconds = (value[i : i + 2] for i in range(0, 12, 2))
        return f"after {years}y {months}m {days}d {hours}:{minutes}:{seconds}"
    quarters = value[-3:-1]
    zone = ""
    if value[-1] in "+-" and quarters.isascii() and quarters.isdigit():
        zone = f" UTC{value[-1]}{int(quarters) // 4:02}:{int(quarters) % 4 * 15:02}"
    return date_time(value[:12]) + zone


def fen(value: str) -> str:
    """A price in hundredths of a yuan."""
    return f"{int(value)} fen" if value.isascii() and value.isdigit() else ""
