"""audit: the record of what staff and owners did; the key needs the scope audit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from assent.cli.console import Json, print_json, session, show
from assent.client import Client
from assent.flow.audit import COLUMNS
from assent.flow.exports import csv_row, csv_table

audit = typer.Typer(no_args_is_help=True, help="The record of acts: read and export it.")

Account = Annotated[int | None, typer.Option(help="Acts of this account only.")]
What = Annotated[str | None, typer.Option(help="Acts whose name begins so, like team.")]
_PAGE = 1_000


@audit.command("show")
def show_acts(
    ctx: typer.Context,
    cursor: Annotated[int, typer.Option(help="Begin before this act; 0: the latest.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Acts at most.")] = 100,
    account: Account = None,
    what: What = None,
    as_json: Json = False,
) -> None:
    """List what staff and owners did, the latest first."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.audit(cursor, limit, account=account, what=what), "audit")


@audit.command("export")
def export(
    ctx: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="File to write; standard output if none.")
    ] = None,
    account: Account = None,
    what: What = None,
    as_json: Json = False,
) -> None:
    """Write the whole record as CSV. No cell of it is a formula to a spreadsheet."""
    run = session(ctx, as_json)
    acts = 0
    with run.client() as client, _opened(out) as file:
        file.write(csv_table(COLUMNS, ()).encode())
        for item in _items(client, account, what):
            file.write(csv_row(_cell(item[name]) for name in COLUMNS).encode())
            acts += 1
    if as_json and out is not None:
        print_json({"file": str(out), "acts": acts})


@contextmanager
def _opened(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        yield sys.stdout.buffer
        return
    with out.open("wb") as file:
        yield file


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _items(client: Client, account: int | None, what: str | None) -> Iterator[dict[str, Any]]:
    cursor: int | None = 0
    while cursor is not None:
        page: dict[str, Any] = client.audit(cursor, _PAGE, account=account, what=what)
        yield from page["items"]
        cursor = page["cursor"]
