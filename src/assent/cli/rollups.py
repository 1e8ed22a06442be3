"""rollups: counts of messages by hour; for staff of everybody, for customers of themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from assent.cli.console import Json, session, show

rollups = typer.Typer(no_args_is_help=True, help="Counts of messages by the hour.")

Since = Annotated[
    datetime | None,
    typer.Option("--from", help="From this hour on, in UTC without a zone; 7 days back.",
                 formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"]),
]  # fmt: skip
Until = Annotated[
    datetime | None,
    typer.Option("--to", help="Up to this hour; now.",
                 formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"]),
]  # fmt: skip
Some = list[str] | None


def zoned(at: datetime | None) -> datetime | None:
    """Return a time of the command line; without a zone it is UTC."""
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


@rollups.command("show")
def show_rollups(
    ctx: typer.Context,
    by: Annotated[Some, typer.Option(help="What to group by; may be repeated.")] = None,
    since: Since = None,
    until: Until = None,
    step: Annotated[str | None, typer.Option(help="A row each hour, day or month.")] = None,
    port: Annotated[Some, typer.Option(help="Only this code number.")] = None,
    sender: Annotated[Some, typer.Option(help="Only this credit code.")] = None,
    account: Annotated[Some, typer.Option(help="Only this account, by name.")] = None,
    carrier: Annotated[Some, typer.Option(help="Only this carrier.")] = None,
    province: Annotated[Some, typer.Option(help="Only this province, 四川 or Sichuan.")] = None,
    category: Annotated[Some, typer.Option(help="Only texts of this category.")] = None,
    purpose: Annotated[Some, typer.Option(help="Only this purpose.")] = None,
    as_json: Json = False,
) -> None:
    """Count messages by the hour in which they were accepted: submitted, delivered, failed, and how
    many people refused and complained. Every option that names something may be repeated."""
    run = session(ctx, as_json)
    only = {
        "port": port, "sender": sender, "account": account, "carrier": carrier,
        "province": province, "category": category, "purpose": purpose,
    }  # fmt: skip
    with run.client() as client:
        told = client.rollups(
            since=zoned(since), until=zoned(until), by=by or (), step=step,
            **{name: some for name, some in only.items() if some},
        )  # fmt: skip
    show(run, told, "counts")


@rollups.command("failures")
def show_failures(
    ctx: typer.Context,
    by: Annotated[Some, typer.Option(help="port, carrier; may be repeated.")] = None,
    since: Since = None,
    until: Until = None,
    port: Annotated[Some, typer.Option(help="Only this code number.")] = None,
    carrier: Annotated[Some, typer.Option(help="Only this carrier.")] = None,
    as_json: Json = False,
) -> None:
    """Count failures by code: the number of a carrier's answer or the word of its report. For
    staff."""
    run = session(ctx, as_json)
    only = {name: some for name, some in (("port", port), ("carrier", carrier)) if some}
    with run.client() as client:
        told = client.rollup_failures(since=zoned(since), until=zoned(until), by=by or (), **only)
    show(run, told, "failures")
