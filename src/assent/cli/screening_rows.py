"""Rows of a file of texts: lines, CSV or JSON lines, read as a stream, one error a bad row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Annotated, Any, Final

import msgspec

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.screen.finding import UNLICENSED, Sender
from assent.screen.form import Form
from assent.screen.verdict import Text

__all__ = ["FORMATS", "LICENCES", "LONGEST", "PURPOSES", "Defaults", "Row", "rows"]

FORMATS: Final = ("lines", "csv", "jsonl")
LONGEST: Final = 10_000
"""Characters of a text: many times what carriers take."""
_LINE: Final = 1 << 20
LICENCES: Final = (
    "finance", "lending", "securities", "insurance", "lottery", "medical", "recruitment",
    "education", "real_estate", "collection", "carrier", "parcel", "government",
)  # fmt: skip
PURPOSES: Final = {
    purpose.name.lower(): purpose for purpose in Purpose if purpose is not Purpose.SYSTEM
}
_RULE: Final = "cli: screen"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for rows that do not say otherwise."""

    sender: Sender = UNLICENSED
    purpose: Purpose | None = None
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row, counted from 1: a text, or what is wrong with it (`AssentError.to_problem`)."""

    number: int
    text: Text | None = None
    error: dict[str, Any] | None = None


class SenderFile(msgspec.Struct):
    """A sender as rows tell it."""

    name: str = ""
    licences: list[str] = msgspec.field(default_factory=list)
    hosts: list[str] = msgspec.field(default_factory=list)


class TextFile(msgspec.Struct):
    """A row as files tell it; other fields are left alone."""

    text: Annotated[str, msgspec.Meta(max_length=LONGEST)]
    sender: SenderFile | str | None = None
    purpose: str | None = None
    signature: str | None = None
    contacts: list[str] = msgspec.field(default_factory=list)


def rows(stream: IO[bytes], form: str | None, defaults: Defaults) -> Iterator[Row]:
    """Yield the rows of a stream in their order. `form`: one of FORMATS; None looks at the first
    line. What is wrong with a row is in it; nothing stops the stream."""
    lines = _lines(stream)
    first = next(lines, None)
    if first is None:
        return
    first = first.removeprefix(b"\xef\xbb\xbf")
    form = form or _form_of(first)
    if form == "csv":
        yield from _csv_rows(_chained(first, lines), defaults)
        return
    known: dict[Any, Sender] = {}
    for number, line in enumerate(_chained(first, lines), 1):
        if form == "jsonl" and not line.strip():
            continue
        try:
            given = _of_json(line) if form == "jsonl" else _of_line(line)
            yield Row(number, text_of(given, defaults, known))
        except InvalidInput as error:
            yield Row(number, error=error.to_problem())


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines without their ends; of one that is far too long, its beginning."""
    while line := stream.readline(_LINE):
        if not line.endswith(b"\n") and len(line) == _LINE:
            while (more := stream.readline(_LINE)) and not more.endswith(b"\n"):
                pass
        yield line.rstrip(b"\r\n")


def _form_of(first: bytes) -> str:
    """Tell what a file is by its first line."""
    if first.lstrip().startswith(b"{") and b'"text"' in first:
        return "jsonl"
    header = [
        name.strip().strip('"').lower() for name in first.decode("utf-8", "replace").split(",")
    ]
    return "csv" if "text" in header else "lines"


def _of_line(line: bytes) -> TextFile:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise _bad("not_utf8", "the row is not UTF-8", "text", "save the file as UTF-8") from None
    if len(text) > LONGEST:
        raise _too_long()
    return TextFile(text)


def _of_json(line: bytes) -> TextFile:
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$")
        if "length" in words:
            raise _too_long() from None
        raise _bad(
            "bad_row", words, place.strip("`.") or "text", 'write it like {"text": "…"}'
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _bad(
            "not_json", "the row is no JSON object", "text", 'write it like {"text": "…"}'
        ) from None


_DECODER: Final = msgspec.json.Decoder(TextFile)


def _csv_rows(lines: Iterator[bytes], defaults: Defaults) -> Iterator[Row]:
    """Yield the rows of a table with a header. Lists stand in one cell, with ; between."""
    csv.field_size_limit(_LINE)
    reader = csv.reader(line.decode("utf-8", "surrogateescape") + "\n" for line in lines)
    header = [name.strip().lower() for name in next(reader, [])]
    known: dict[Any, Sender] = {}
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            bad = _bad("bad_row", "the row is no CSV", "text", "quote its text")
            yield Row(number, error=bad.to_problem())
            continue
        if not cells:
            continue
        try:
            yield Row(number, text_of(_of_cells(header, cells), defaults, known))
        except InvalidInput as error:
            yield Row(number, error=error.to_problem())


def _of_cells(header: list[str], cells: list[str]) -> TextFile:
    told = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
    for name, cell in told.items():
        if not cell.isascii() and any("\ud800" <= char <= "\udfff" for char in cell):
            raise _bad("not_utf8", "the row is not UTF-8", name, "save the file as UTF-8")
    if "text" not in header:
        raise _bad("text_missing", "no column is called text", "text", "name it in the first row")
    text = told.get("text", "")
    if len(text) > LONGEST:
        raise _too_long()
    sender: SenderFile | str | None = told.get("sender")
    if "licences" in told or "hosts" in told:
        sender = SenderFile(
            told.get("sender", ""), _parts(told, "licences"), _parts(told, "hosts")
        )  # fmt: skip
    return TextFile(
        text, sender, told.get("purpose"), told.get("signature"), _parts(told, "contacts")
    )


def _parts(told: dict[str, str], name: str) -> list[str]:
    return [part.strip() for part in told.get(name, "").split(";") if part.strip()]


def text_of(given: TextFile, defaults: Defaults, known: dict[Any, Sender]) -> Text:
    """Return a row's text with what is known of it. Raises InvalidInput."""
    if not given.text.strip():
        raise _bad("text_missing", "the row has no text", "text", "leave the row out, or fill it")
    purpose = defaults.purpose
    if given.purpose is not None:
        purpose = PURPOSES.get(given.purpose.strip().lower())
        if purpose is None:
            raise _bad(
                "unknown_purpose", f"there is no purpose {given.purpose[:40]}", "purpose",
                f"use one of {', '.join(PURPOSES)}",
            )  # fmt: skip
    form = defaults.form
    if given.signature is not None or given.contacts:
        form = Form((given.signature or "").strip("【】"), tuple(given.contacts))
    sender = defaults.sender if given.sender is None else _sender(given.sender, known)
    return Text(given.text, sender, purpose, form)


def _sender(given: SenderFile | str, known: dict[Any, Sender]) -> Sender:
    if isinstance(given, str):
        given = SenderFile(given)
    key = (given.name, tuple(given.licences), tuple(given.hosts))
    sender = known.get(key)
    if sender is None:
        sender = known[key] = sender_of(given.name, given.licences, given.hosts)
        if len(known) > 10_000:
            known.clear()
    return sender


def sender_of(name: str, licences: list[str], hosts: list[str]) -> Sender:
    """Return a sender as given. Raises InvalidInput for a licence that there is none of, and for a
    host that is none."""
    for licence in licences:
        if licence not in LICENCES:
            raise _bad(
                "unknown_licence", f"there is no licence {licence[:40]}", "sender.licences",
                f"use one of {', '.join(LICENCES)}",
            )  # fmt: skip
    return Sender(name, frozenset(licences), frozenset(_host(host) for host in hosts))


def _host(host: str) -> str:
    try:
        plain = host.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        plain = ""
    if not plain or "/" in plain or " " in plain or ":" in plain:
        raise _bad(
            "bad_host", f"{host[:80]} is no host", "sender.hosts", "write it like shop.example.cn"
        )
    return plain


def _too_long() -> InvalidInput:
    return _bad("text_too_long", f"a text has at most {LONGEST} characters", "text", "shorten it")


def _bad(code: str, words: str, name: str, mend: str) -> InvalidInput:
    return InvalidInput(code, words, field=name, rule=_RULE, mend=mend)
