"""consent ask and what belongs to it: questions by SMS, and consents as their senders see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from assent.cli.console import Json, session, show
from assent.cli.people import consent as consent
from assent.cli.sending import Sender
from assent.errors import InvalidInput

Programme = Annotated[str, typer.Option(help="Programme that the person is asked about.")]
Number = Annotated[str, typer.Option(help="The person's number.")]


@consent.command("session")
def begin_session(
    ctx: typer.Context, sender: Sender, programme: Programme, as_json: Json = False
) -> None:
    """Begin the session in which one person enters her number; print its token."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.begin_consent_session(sender=sender, programme=programme), "session")


@consent.command("ask")
def ask(
    ctx: typer.Context,
    number: Number,
    sender: Sender,
    programme: Programme,
    token: Annotated[
        str | None, typer.Option("--session", help="Token of the session she entered it in.")
    ] = None,
    document: Annotated[
        str | None, typer.Option(help="Id of the accepted document that shows her consent.")
    ] = None,
    place: Annotated[
        str | None, typer.Option(help="Network address or place where she entered it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a person by SMS whether she agrees. Whether she was asked is told to nobody."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.ask_consent(
            number, sender=sender, programme=programme, session=token, document=document,
            place=place,
        )  # fmt: skip
    show(run, answer, "request")


@consent.command("agreed")
def agreed(
    ctx: typer.Context,
    day: Annotated[
        str | None, typer.Option(help="A day that is over, such as 2026-11-21; else yesterday.")
    ] = None,
    cursor: Annotated[str, typer.Option(help="Where to go on.")] = "0",
    as_json: Json = False,
) -> None:
    """List who agreed on a day."""
    run = session(ctx, as_json)
    try:
        wanted = None if day is None else datetime.fromisoformat(day).date()
    except ValueError:
        raise InvalidInput(
            "bad_date", "this is no day", field="--day", rule="cli: times",
            mend="write it like 2026-11-21",
        ) from None  # fmt: skip
    with run.client() as client:
        show(run, client.consents_agreed(wanted, cursor), "agreed")


@consent.command("show")
def show_consent(
    ctx: typer.Context,
    import_id: Annotated[
        str | None, typer.Argument(metavar="IMPORT", help="Id of an import.")
    ] = None,
    number: Annotated[str | None, typer.Option(help="A person's number, in its place.")] = None,
    sender: Annotated[
        str | None, typer.Option(help="Credit code of the sender whose programmes are meant.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how an import stands as a whole, or which consents to a sender stand for a number."""
    run = session(ctx, as_json)
    if (number is None) is (sender is not None) or (number is None) is (import_id is None):
        raise InvalidInput(
            "consent_or_import", "name an import, or a number and a sender", field="IMPORT",
            rule="cli: consent show", mend="give an id; or --number and --sender",
        )  # fmt: skip
    with run.client() as client:
        if number is not None and sender is not None:
            show(run, client.look_at_consent(number, sender=sender), "consents")
        elif import_id is not None:
            show(run, client.consent_import(import_id), "import")


@consent.command("stops")
def stops(ctx: typer.Context, as_json: Json = False) -> None:
    """List senders that may ask nobody, since too few agreed; for staff."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.asking_stops(), "stops")


@consent.command("release")
def release(
    ctx: typer.Context,
    sender: Annotated[str, typer.Argument(help="Credit code of the sender.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    as_json: Json = False,
) -> None:
    """Let a sender ask people again; for staff."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.release_asking(sender, reason=reason), "release")
