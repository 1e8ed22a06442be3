"""consent: how imports stand, and what staff do about those that nobody agreed to."""

from __future__ import annotations

from typing import Annotated

import typer

from assent.cli.console import Json, moment, session, show

_LIMIT = Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")]
_CURSOR = Annotated[int, typer.Option(help="Go on from the cursor of the page before.")]


def list_imports(
    ctx: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="review, open, opened, refused, voiding or voided (staff).")
    ] = None,
    cursor: _CURSOR = 0,
    limit: _LIMIT = 100,
    as_json: Json = False,
) -> None:
    """List imports of consents, the latest first: your own; everybody's for staff."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.consent_imports(cursor=cursor, limit=limit, state=state), "imports")


def void(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="What was said, without naming anybody.")],
    number: Annotated[str | None, typer.Option("--import", help="Id of the import.")] = None,
    recipient: Annotated[
        str | None, typer.Option(help="Who never agreed: the imports she came by, with --sender.")
    ] = None,
    sender: Annotated[str | None, typer.Option(help="Credit code of the sender.")] = None,
    by: Annotated[str, typer.Option(help="Who says so: complaint or staff.")] = "complaint",
    as_json: Json = False,
) -> None:
    """Void consents that nobody gave: what stands on them stops, and a case is opened. For
    reviewers."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.void_consents(
            reason=reason, by=by, import_id=number, recipient=recipient, sender=sender
        )
    show(run, answer, "void")


def cases(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="open or closed.")] = None,
    close: Annotated[str | None, typer.Option(help="Close the case with this id.")] = None,
    cursor: _CURSOR = 0,
    limit: _LIMIT = 100,
    as_json: Json = False,
) -> None:
    """List cases of forged consent, the latest first, or close one. For reviewers."""
    run = session(ctx, as_json)
    with run.client() as client:
        if close is not None:
            show(run, client.close_case(close), "case")
            return
        show(run, client.consent_cases(cursor=cursor, limit=limit, state=state), "cases")


def importers(
    ctx: typer.Context,
    since: Annotated[str | None, typer.Option(help="From when on, with zone; 30 days ago.")] = None,
    to: Annotated[str | None, typer.Option(help="Until when, with zone; now.")] = None,
    as_json: Json = False,
) -> None:
    """Compare those who bring consents, by account, key and person. For auditors."""
    run = session(ctx, as_json)
    with run.client() as client:
        times = {"since": moment(since, "--since"), "to": moment(to, "--to")}
        show(run, client.consent_importers(**times), "importers")
