"""evidence, ledger: for auditors; the key needs the scope audit."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from assent.cli.admission import write_out
from assent.cli.console import Json, moment, session, show
from assent.consent.bundle import canonical
from assent.errors import InvalidInput

ledger = typer.Typer(no_args_is_help=True, help="The consent ledger: its state and its check.")


def evidence(
    ctx: typer.Context,
    recipient: Annotated[str, typer.Option(help="The person's number.")],
    sender: Annotated[str, typer.Option(help="Credit code of a sender; its group is meant.")],
    since: Annotated[str, typer.Option("--from", help="From when on, with a zone.")],
    to: Annotated[str, typer.Option(help="The moment after the last, with a zone.")],
    out: Annotated[Path, typer.Option(help="Where to write it; nothing is overwritten.")],
    as_json: Json = False,
) -> None:
    """Write what is known of a person and a sender as one archive, with proofs."""
    run = session(ctx, as_json)
    begin, end = _time(since, "--from"), _time(to, "--to")
    with run.client() as client:
        told = client.evidence(recipient, sender, begin, end)
    show(run, write_out(out, told), "evidence")


@ledger.callback()
def root() -> None:
    """The consent ledger."""


@ledger.command("show")
def show_ledger(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the last checkpoint, the keys to check it with, and the witnesses."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.ledger(), "ledger")


@ledger.command("consistency")
def consistency(
    ctx: typer.Context,
    old: Annotated[int, typer.Option("--from", min=1, help="Size of the earlier ledger.")],
    new: Annotated[int, typer.Option("--to", min=0, help="Of the later; 0: the last.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write it there, for assent verify.")] = None,
    as_json: Json = False,
) -> None:
    """Prove that the ledger at one size is the beginning of the ledger at another."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.ledger_consistency(old, new)
    if out is None:
        show(run, told, "consistency")
    else:
        octets = canonical(told)
        show(run, write_out(out, {"type": "application/json", "octets": octets}), "consistency")


@ledger.command("resume")
def resume(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why nothing is missing any more; it is kept.")],
    as_json: Json = False,
) -> None:
    """Say that what a restored backup lacked is back: marketing goes on."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.resume_ledger(reason), "resumed")


def _time(text: str, option: str) -> datetime:
    time = moment(text, option)
    if time is None:
        raise InvalidInput("bad_time", "no time", field=option, rule="cli: times")
    return time
