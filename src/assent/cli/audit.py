"""audit: the record of what staff and owners did; the key needs the scope audit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from assent.cli.console import Json, print_json, session, show
from assent.client import Client

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
    with run.client() as client:
        file = out.open("wb") if out is not None else sys.stdout.buffer
        try:
            for number, (table, count) in enumerate(_pages(client, account, what)):
                # Each page has its heading; the first one's is enough.
                file.write(table if number == 0 else table.partition(b"\r\n")[2])
                acts += count
        finally:
            if out is not None:
                file.close()
    if as_json and out is not None:
        print_json({"file": str(out), "acts": acts})


def _pages(client: Client, account: int | None, what: str | None) -> Iterator[tuple[bytes, int]]:
    cursor = 0
    while True:
        page: dict[str, Any] = client.audit(cursor, _PAGE, account=account, what=what)
        table = client.audit_table(cursor, _PAGE, account=account, what=what)
        yield table["octets"], len(page["items"])
        if page["cursor"] is None:
            return
        cursor = page["cursor"]
