"""audience and campaign."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assent.cli.console import EXIT_NOBODY, Json, Session, bar, moment, pairs, session, show
from assent.cli.sending import (
    ExpiresAt,
    Key,
    NotBefore,
    Port,
    Programme,
    Relation,
    Sender,
    Template,
    Text,
)
from assent.client import Client

audience = typer.Typer(no_args_is_help=True, help="Files of receivers.")
campaign = typer.Typer(no_args_is_help=True, help="Orders over an audience.")

_LOOK_EVERY_S: Final = 0.5
_OVER: Final = frozenset({"done", "stopped", "paused"})

AudienceId = Annotated[str, typer.Argument(help="Id of the audience.")]
CampaignId = Annotated[str, typer.Argument(help="Id of the campaign.")]
Name = Annotated[str, typer.Option(help="Name of the campaign, for people.")]
Audience = Annotated[str, typer.Option(help="Id of the audience.")]
Purpose = Annotated[str, typer.Option(help="marketing, internal or notification.")]
Video = Annotated[str | None, typer.Option(help="Id of a video, in place of a text.")]
Behalf = Annotated[str | None, typer.Option(help="Id of the customer's account (for staff).")]
Instruction = Annotated[
    str | None, typer.Option(help="Id of what the customer signed (for staff).")
]
Follow = Annotated[bool, typer.Option("--follow", help="Show progress until it ends.")]


@audience.command("upload")
def upload(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV, Parquet or XLSX.")
    ],
    statement: Annotated[str, typer.Option(help="Where the numbers come from, in words.")],
    relation: Relation = None,
    name: Annotated[str | None, typer.Option(help="Name for people; the file's if none.")] = None,
    number_column: Annotated[
        str | None, typer.Option(help="Column with the numbers, if it cannot be guessed.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="VARIABLE=COLUMN to keep; every other column if none is given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Hand in a file of receivers; wrong rows are listed, each with its reason."""
    run = session(ctx, as_json)
    columns = pairs(column, "--column") if column else None
    with run.client() as client, bar(run, "upload", file.stat().st_size) as move:
        answer = client.upload_audience(
            file, statement=statement, relation=relation, name=name, number_column=number_column,
            columns=columns, progress=lambda sent, _: move(sent),
        )  # fmt: skip
    show(run, answer, "audience")


@audience.command("status")
def audience_status(ctx: typer.Context, audience_id: AudienceId, as_json: Json = False) -> None:
    """Tell an audience's state and counts."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.audience(audience_id), "audience")


@audience.command("faults")
def audience_faults(ctx: typer.Context, audience_id: AudienceId, as_json: Json = False) -> None:
    """List all wrong rows of an audience, each with its reason."""
    run = session(ctx, as_json)
    items: list[Any] = []
    cursor: int | None = 0
    with run.client() as client:
        while cursor is not None:
            page = client.audience_faults(audience_id, cursor)
            items += page["items"]
            cursor = page["cursor"]
    show(run, {"wrong": len(items), "items": items}, "wrong rows")


@campaign.command("create")
def create(
    ctx: typer.Context,
    name: Name,
    audience: Audience,
    sender: Sender,
    purpose: Purpose,
    text: Text = None,
    template: Template = None,
    video: Video = None,
    port: Port = None,
    programme: Programme = None,
    not_before: NotBefore = None,
    expires_at: ExpiresAt = None,
    on_behalf_of: Behalf = None,
    instruction: Instruction = None,
    key: Key = None,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Order a campaign; it begins at once, or at its time."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.create_campaign(
            name=name, audience=audience, sender=sender, purpose=purpose, text=text,
            template=template, video=video, port=port, programme=programme,
            not_before=moment(not_before, "--not-before"),
            expires_at=moment(expires_at, "--expires-at"), on_behalf_of=on_behalf_of,
            instruction=instruction, key=key,
        )  # fmt: skip
        if follow:
            answer = _follow(run, client, answer["id"])
    show(run, answer, "campaign")


@campaign.command("dry-run")
def dry_run(
    ctx: typer.Context,
    name: Name,
    audience: Audience,
    sender: Sender,
    purpose: Purpose,
    text: Text = None,
    template: Template = None,
    video: Video = None,
    port: Port = None,
    programme: Programme = None,
    not_before: NotBefore = None,
    expires_at: ExpiresAt = None,
    sample: Annotated[int, typer.Option(help="Rows to show of each reason.")] = 10,
    as_json: Json = False,
) -> None:
    """Tell counts, cost and a sample by reason; nothing is ordered."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.dry_run_campaign(
            name=name, audience=audience, sender=sender, purpose=purpose, text=text,
            template=template, video=video, port=port, programme=programme,
            not_before=moment(not_before, "--not-before"),
            expires_at=moment(expires_at, "--expires-at"), sample=sample,
        )  # fmt: skip
    show(run, answer, "dry run")
    if not answer["allowed"]:
        raise typer.Exit(EXIT_NOBODY)


@campaign.command("status")
def campaign_status(
    ctx: typer.Context, campaign_id: CampaignId, follow: Follow = False, as_json: Json = False
) -> None:
    """Tell how far a campaign is."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = _follow(run, client, campaign_id) if follow else client.campaign(campaign_id)
    show(run, answer, "campaign")


def _follow(run: Session, client: Client, campaign_id: str) -> dict[str, Any]:
    """Show a bar until a campaign is judged and nothing of it waits; return its last state."""
    with bar(run, "campaign", None) as move:
        while True:
            answer = client.campaign(campaign_id)
            states = answer["states"]
            waiting = sum(states.get(state, 0) for state in ("queued", "attempted", "accepted"))
            settled = answer["rejected"] + sum(states.values()) - waiting
            move(100.0 * settled / max(1, answer["receivers"]))
            if answer["state"] in _OVER and not (answer["state"] == "done" and waiting):
                return answer
            time.sleep(_LOOK_EVERY_S)


def _steer(ctx: typer.Context, as_json: bool, change: Callable[[Client], dict[str, Any]]) -> None:
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, change(client), "campaign")


@campaign.command("pause")
def pause(ctx: typer.Context, campaign_id: CampaignId, as_json: Json = False) -> None:
    """Stop judging and sending for the time being."""
    _steer(ctx, as_json, lambda client: client.pause_campaign(campaign_id))


@campaign.command("resume")
def resume(ctx: typer.Context, campaign_id: CampaignId, as_json: Json = False) -> None:
    """Go on after a pause."""
    _steer(ctx, as_json, lambda client: client.resume_campaign(campaign_id))


@campaign.command("stop")
def stop(ctx: typer.Context, campaign_id: CampaignId, as_json: Json = False) -> None:
    """End a campaign for good; what is queued is cancelled."""
    _steer(ctx, as_json, lambda client: client.stop_campaign(campaign_id))
