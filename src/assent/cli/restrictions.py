"""restriction: what must not leave for a while; customers see theirs, staff impose and lift."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assent.cli.console import Json, moment, session, show

restriction = typer.Typer(
    no_args_is_help=True, help="Restrictions: what must not leave for a while, and why."
)

RestrictionId = Annotated[str, typer.Argument(help="Number of the restriction, from list.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@restriction.command("list")
def list_restrictions(
    ctx: typer.Context,
    past: Annotated[bool, typer.Option("--past", help="Also those that are over.")] = False,
    cursor: Annotated[str, typer.Option(help="Where to go on.")] = "0",
    as_json: Json = False,
) -> None:
    """List what binds your messages, newest first; staff see all restrictions."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.restrictions(past=past, cursor=cursor), "restrictions")


@restriction.command("show")
def show_restriction(
    ctx: typer.Context, restriction_id: RestrictionId, as_json: Json = False
) -> None:
    """Show a restriction: why, until when, and to staff what was counted."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.restriction(restriction_id), "restriction")


@restriction.command("impose")
def impose(  # long: one option a field
    ctx: typer.Context,
    effect: Annotated[
        str, typer.Argument(help="defer (needs --until), hold or reject.", metavar="EFFECT")
    ],
    en: Annotated[str, typer.Option("--en", help="What the customer is told, in English.")],
    zh: Annotated[str, typer.Option("--zh", help="What the customer is told, in Chinese.")],
    reason: Reason,
    sender: Annotated[str | None, typer.Option(help="Credit code of a sender.")] = None,
    group: Annotated[
        bool, typer.Option("--group", help="Every sender of that sender's group.")
    ] = False,
    account: Annotated[
        str | None, typer.Option(help="Name of an account; its sub-accounts too.")
    ] = None,
    port: Annotated[str | None, typer.Option(help="Number of a port.")] = None,
    carrier: Annotated[str | None, typer.Option(help="Only over this carrier.")] = None,
    province: Annotated[str | None, typer.Option(help="Only receivers at home there.")] = None,
    category: Annotated[
        str | None, typer.Option(help="Only texts of this category, such as loan.")
    ] = None,
    purpose: Annotated[
        list[str] | None, typer.Option(help="Only this purpose; may be given many times.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="When it ends; until it is lifted if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Impose a restriction; what is not named matches everything."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.impose_restriction(
            effect, en=en, zh=zh, reason=reason, sender=sender, whole_group=group, account=account,
            port=port, carrier=carrier, province=province, category=category,
            purposes=purpose or (), until=moment(until, "--until"),
        )  # fmt: skip
        show(run, told, "restrictions")


@restriction.command("lift")
def lift(
    ctx: typer.Context, restriction_id: RestrictionId, reason: Reason, as_json: Json = False
) -> None:
    """Lift a restriction that a colleague or a ceiling imposed."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.lift_restriction(restriction_id, reason), "restriction")


@restriction.command("import")
def import_blocks(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX.", dir_okay=False, exists=True)],
    carrier: Annotated[str, typer.Option("--carrier", help="Whose list it is.")],
    dated: Annotated[str, typer.Option("--dated", help="Of what day it is: 2026-11-22.")],
    more: Annotated[
        bool, typer.Option("--more", help="A further part of the list of that day.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take a carrier's list of people who want nothing commercial, in place of the one before."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.import_carrier_blocks(file, carrier=carrier, dated=dated, more=more)
    show(run, told, "carrier's list")


@restriction.command("files")
def files(ctx: typer.Context, as_json: Json = False) -> None:
    """List the carriers' lists that were taken."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.carrier_blocks(), "carriers' lists")
