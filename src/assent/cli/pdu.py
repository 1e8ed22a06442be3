"""What the octets of a carrier's protocol say: works here, without a server."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assent.cli.console import print_json
from assent.wire.explain import Explained, Note, explain_all

pdu = typer.Typer(no_args_is_help=True, help="Look into PDUs of carriers and customers.")

EXIT_BAD_PDU = 2
_NO_HEX = re.compile(r"[^0-9a-fA-F]")


class Dialect(StrEnum):
    """`assent.wire.explain.DIALECTS`, for the command line."""

    CMPP2 = "cmpp2"
    CMPP3 = "cmpp3"
    SGIP = "sgip"
    SMGP = "smgp"
    SMPP = "smpp"


@pdu.callback()
def root() -> None:
    """Look into PDUs of carriers and customers."""


@pdu.command()
def decode(
    dialect: Annotated[
        Dialect,
        typer.Option(help="What the octets are. cmpp2 stands for 2.1, too."),
    ],
    octets: Annotated[
        list[str],
        typer.Argument(
            metavar="HEX",
            help="One PDU or several in a row, in hex, blanks allowed; - reads standard input.",
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a PDU and nothing else.")
    ] = False,
) -> None:
    """Explain PDUs: every field with its octet (from 0), value, meaning and clause.

    The output holds what the PDUs hold: phone numbers, texts, and the passwords of binds. Octets
    that are no PDU end it with code 2; standard error says at which octet, why, and what could be
    read before it."""
    if octets == ["-"]:
        octets = [sys.stdin.buffer.read().decode("ascii", "replace")]
    data = _octets("".join(octets))
    start = 0
    for number, explained in enumerate(explain_all(dialect, data), 1):
        if explained.fault:
            _show_fault(explained, number, start)
            raise typer.Exit(EXIT_BAD_PDU)
        if as_json:
            print_json(_object(explained))
        else:
            _show(Console(highlight=False), explained)
        start += explained.octets


def _octets(text: str) -> bytes:
    """The octets of hex with blanks in it. Ends the run when it is none."""
    digits = "".join(text.split())
    odd = _NO_HEX.search(digits)
    if odd:
        _say(f"{odd.group()!r} is no hex digit, in the place of octet {odd.start() // 2}")
    elif not digits:
        _say("no octets are given")
    elif len(digits) % 2:
        _say(f"octet {len(digits) // 2} has one hex digit only")
    else:
        return bytes.fromhex(digits)
    raise typer.Exit(EXIT_BAD_PDU)


def _say(words: str) -> None:
    Console(stderr=True, highlight=False).print(words, markup=False, soft_wrap=True)


def _object(explained: Explained) -> dict[str, Any]:
    return {
        "command": explained.command,
        "sequence": explained.sequence,
        "fields": explained.fields(),
        "text": explained.text,
        "segment": explained.segment,
    }


def _show_fault(explained: Explained, number: int, start: int) -> None:
    assert explained.fault is not None
    at, why = explained.fault
    whole = f" (octet {start + at} of all)" if start else ""
    _say(f"PDU {number} is bad at octet {at}{whole}: {why}")
    if explained.notes:
        _say("What could be read before it:")
        _show(Console(stderr=True, highlight=False), explained)


def _show(console: Console, explained: Explained) -> None:
    sequence = explained.sequence
    shown = " ".join(map(str, sequence)) if isinstance(sequence, list) else sequence
    title = f"{explained.command}, sequence {shown}, {explained.octets} octets"
    table = Table(title=escape(title), title_justify="left")
    for column in ("octet", "size", "field", "value", "meaning", "clause"):
        table.add_column(column, overflow="fold")  # a narrow terminal must not hide octets
    for note in explained.notes:
        row = (_name(note), _value(note.value), note.meaning, note.clause)
        table.add_row(str(note.at), str(note.size), *(escape(visible(cell)) for cell in row))
    console.print(table)
    if explained.segment:
        reference, total, place = explained.segment
        console.print(f"segment: {place} of {total}, reference {reference}")
    if explained.text is not None:
        console.print("text: ", end="")
        console.print(visible(explained.text), markup=False, soft_wrap=True)


def visible(text: str) -> str:
    """Text that cannot move the cursor or colour the terminal, whoever wrote it."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def _name(note: Note) -> str:
    name = f"{note.title} ({note.name})" if note.title else note.name
    return f"{note.group.replace('.', ' ')}: {name}" if note.group not in ("", "header") else name


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
