"""stats: what was complained of, as a centre publishes it; for staff."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assent.cli.console import Json, print_json, session, show
from assent.errors import InvalidInput
from assent.watch.statistics_sheets import Cell, sheets

stats = typer.Typer(help="What was complained of; for staff.", invoke_without_command=True)

File = Annotated[Path, typer.Argument(help="A CSV file.", dir_okay=False)]


@stats.callback()
def statistics(
    ctx: typer.Context,
    first: Annotated[
        str | None,
        typer.Option("--from", help="2026, 2026Q3, 2026-09 or 2026-09-01; else the last quarter."),
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last one, alike.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="type, category, port, sender, brand, province, carrier, source, answer or all;"
            " may be repeated. Else type."
        ),
    ] = None,
    before: Annotated[int, typer.Option(help="Earlier periods to show in front.")] = 1,
    type_: Annotated[str | None, typer.Option("--type", help="Only port or point.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category or family.")] = None,
    carrier: Annotated[str | None, typer.Option(help="Only people of this carrier.")] = None,
    province: Annotated[str | None, typer.Option(help="Only people of this province.")] = None,
    source: Annotated[str | None, typer.Option(help="Only complaints from there.")] = None,
    top: Annotated[int, typer.Option(help="Places of a ranking.")] = 10,
    published: Annotated[bool, typer.Option(help="Show published figures beside ours.")] = False,
    language: Annotated[str, typer.Option("--lang", help="en or zh.")] = "en",
    out: Annotated[
        Path | None,
        typer.Option(help="Write a file: .csv, .xlsx, .pdf or .svg.", dir_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what was complained of in periods side by side: shares, rankings, rates, answers.
    (long: a line an option)"""
    run = session(ctx, as_json)
    if ctx.invoked_subcommand is not None:
        return
    if language not in ("en", "zh"):
        raise InvalidInput(
            "unknown_language", "words are in en or zh", field="--lang", rule="cli: options",
            mend="give one of them",
        )  # fmt: skip
    if out is not None and out.exists():
        raise InvalidInput(
            "file_exists", f"{out} is there already", field="--out", rule="cli: files",
            mend="name another file",
        )  # fmt: skip
    with run.client() as client:
        told = client.statistics(
            first, last, by=by or ["type"], before=before, top=top, published=published,
            type=type_, category=category, carrier=carrier, province=province, source=source,
        )  # fmt: skip
    if out is not None:
        _write(out, told, language)
    if run.json:
        print_json(told)
    elif out is None:
        _print(told, language)


def _write(out: Path, told: Mapping[str, Any], language: str) -> None:
    from assent.watch.statistics_files import write  # it is slow to load

    octets = write(told, out.suffix.removeprefix(".").lower(), language)
    with out.open("xb") as file:
        file.write(octets)


def _print(told: Mapping[str, Any], language: str) -> None:
    console = Console(highlight=False)
    for sheet in sheets(told, language, bounds=False):
        table = Table(*sheet.head, title=sheet.title, title_justify="left")
        for row in sheet.rows:
            table.add_row(*(_shown(cell) for cell in row))
        console.print(table)


def _shown(cell: Cell) -> str:
    # Square brackets are markup to rich, and names may hold them.
    return "-" if cell is None else str(cell).replace("[", r"\[")


@stats.command("import")
def import_published(ctx: typer.Context, file: File, as_json: Json = False) -> None:
    """Keep figures that a centre published: a CSV file with period, metric, value, source."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.import_published(_text(file)), "published")


@stats.command("users")
def import_users(ctx: typer.Context, file: File, as_json: Json = False) -> None:
    """Keep how many users carriers have: a CSV with carrier, province, users, as_of, source."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.import_users(_text(file)), "users")


def _text(file: Path) -> str:
    try:
        octets = file.read_bytes()
        try:
            return octets.decode("utf-8-sig")
        except UnicodeDecodeError:
            return octets.decode("gb18030")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(
            "bad_file", f"{file} cannot be read as a text", field="FILE", rule="cli: files",
            mend="name a CSV file in UTF-8 or GB18030",
        ) from None  # fmt: skip
