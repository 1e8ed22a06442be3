"""reconcile: a carrier's bill of a day against what left; the key needs the scope audit."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from assent.cli.console import Json, session, show
from assent.errors import InvalidInput

EXIT_DIFFERENT: Final = 2
_LARGEST: Final = 50_000_000


def reconcile(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The bill: CSV with a line a port.")],
    carrier: Annotated[str, typer.Option(help="The carrier, as the settings name it.")],
    day: Annotated[str, typer.Option(help="The day that it bills, such as 2026-11-22.")],
    port: Annotated[str, typer.Option(help="Name of the column with the port.")] = "port",
    segments: Annotated[
        str, typer.Option(help="Name of the column with the segments.")
    ] = "segments",
    encoding: Annotated[str, typer.Option(help="Of the file, such as gb18030.")] = "utf-8-sig",
    delimiter: Annotated[str, typer.Option(help="Between columns.")] = ",",
    as_json: Json = False,
) -> None:
    """Compare a carrier's bill of a day with what left, port by port. Lines of one port are added
    up. Ends with 2 where they differ."""
    run = session(ctx, as_json)
    billed = read_bill(file, port, segments, encoding, delimiter)
    with run.client() as client:
        told = client.reconcile(carrier, _day(day), billed)
    show(run, told, "reconciliation")
    if told["findings"]:
        raise typer.Exit(EXIT_DIFFERENT)


def reconciliations(
    ctx: typer.Context,
    number: Annotated[
        int | None, typer.Argument(help="Show this one with its lines; all without.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List comparisons of carriers' bills, newest first."""
    run = session(ctx, as_json)
    with run.client() as client:
        if number is None:
            show(run, client.reconciliations(), "reconciliations")
        else:
            show(run, client.reconciliation(number), "reconciliation")


def read_bill(
    path: Path, port: str, segments: str, encoding: str, delimiter: str
) -> dict[str, int]:
    """Return the segments of each port. Raises InvalidInput naming the line."""
    try:
        if path.stat().st_size > _LARGEST:
            raise _bad("the file is too large", "give the bill of one day")
        text = path.read_bytes().decode(encoding)
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        columns = rows.fieldnames or ()
    except (OSError, LookupError, UnicodeDecodeError, csv.Error, TypeError) as error:
        raise _bad(f"{path.name}: {error}", "name its --encoding and --delimiter") from None
    for name in (port, segments):
        if name not in columns:
            raise _bad(f"there is no column {name}", "name it with --port or --segments")
    billed: dict[str, int] = {}
    for row in rows:
        number, count = (row[port] or "").strip(), (row[segments] or "").strip()
        if not (number.isascii() and number.isdigit() and count.isascii() and count.isdigit()):
            raise _bad(f"line {rows.line_num} holds no port and count", "correct or remove it")
        billed[number] = billed.get(number, 0) + int(count)
    return billed


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            "bad_day", "not a day", field="--day", rule="cli: times", mend="write 2026-11-22"
        ) from None


def _bad(words: str, mend: str) -> InvalidInput:
    return InvalidInput("bad_bill", words, field="file", rule="cli: reconcile", mend=mend)
