"""alarm: what early warning saw, and what staff say of it."""

from __future__ import annotations

from typing import Annotated

import typer

from assent.cli.console import Json, session, show

alarm = typer.Typer(no_args_is_help=True, help="What early warning saw; for reviewers.")

Number = Annotated[int, typer.Argument(help="Id of the alarm.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]


@alarm.command("list")
def list_alarms(
    ctx: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="Only those that are open, case, dismissed or ended.")
    ] = None,
    detector: Annotated[str | None, typer.Option(help="Only those of a detector.")] = None,
    severity: Annotated[int, typer.Option(help="At least so grave: 1, 2 or 3.")] = 1,
    sender: Annotated[str | None, typer.Option(help="Only about a sender, by its code.")] = None,
    account: Annotated[str | None, typer.Option(help="Only about an account.")] = None,
    cursor: Annotated[str, typer.Option(help="Where to go on.")] = "0",
    as_json: Json = False,
) -> None:
    """List alarms, newest first."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.alarms(
            state=state, detector=detector, severity=severity, sender=sender, account=account,
            cursor=cursor,
        )  # fmt: skip
        show(run, told, "alarms")


@alarm.command("show")
def show_alarm(ctx: typer.Context, number: Number, as_json: Json = False) -> None:
    """Show an alarm with its evidence, and what became of similar ones."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.alarm(number), "alarm")


@alarm.command("dismiss")
def dismiss(
    ctx: typer.Context,
    number: Number,
    reason: Reason,
    was: Annotated[
        str, typer.Option(help="wrong: nothing lay behind it; right: it is settled otherwise.")
    ] = "wrong",
    as_json: Json = False,
) -> None:
    """Have nothing done about an alarm. Detectors are measured by this."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.dismiss_alarm(number, reason=reason, was=was), "alarm")


@alarm.command("confirm")
def confirm(
    ctx: typer.Context,
    number: Number,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Say that something lies behind an alarm; it stays open until a case is done with it."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.confirm_alarm(number, reason=reason), "alarm")


@alarm.command("figures")
def figures(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(help="How far back.")] = 90,
    as_json: Json = False,
) -> None:
    """Show how often each detector was right, as staff said."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.alarm_figures(days), "figures")
