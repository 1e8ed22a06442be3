"""video: contents of video messages, handed in and reviewed frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assent.cli.console import Json, Session, session, show
from assent.client import Client
from assent.errors import InvalidInput

video = typer.Typer(no_args_is_help=True, help="Contents of video messages and their review.")

VideoId = Annotated[str, typer.Argument(help="Id of the video.")]
Frames = Annotated[list[int], typer.Option("--frame", help="A frame's place, from 1.")]
By = Annotated[str, typer.Option("--by", help="Name of the person who looked at it.")]


def video_id(
    client: Client, given: str, sender: str, purpose: str, subject: str | None, basis: str | None
) -> str:
    """Return the id of a content: the given one, or that of a directory, which is handed in."""
    if given.isdecimal() and not Path(given).exists():
        return given
    if subject is None:
        raise InvalidInput(
            "missing_subject", "a video message has a subject", field="--subject",
            rule="video: frames", mend="give --subject, 1 to 40 characters",
        )  # fmt: skip
    answer = client.upload_video(
        Path(given), sender=sender, purpose=purpose, subject=subject, basis=basis
    )
    return str(answer["id"])


@video.command("upload")
def upload(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A file a frame, in name order.")
    ],
    sender: Annotated[str, typer.Option(help="Credit code of the sender.")],
    purpose: Annotated[str, typer.Option(help="marketing, internal or notification.")],
    subject: Annotated[str, typer.Option(help="Subject, 1 to 40 characters.")],
    basis: Annotated[str | None, typer.Option(help="Why a notification needs no consent.")] = None,
    as_json: Json = False,
) -> None:
    """Hand in the frames of a video message, to be reviewed."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.upload_video(
            directory, sender=sender, purpose=purpose, subject=subject, basis=basis
        )
    show(run, answer, "video")


@video.command("show")
def show_video(ctx: typer.Context, video_id: VideoId, as_json: Json = False) -> None:
    """Tell where a video stands, frame by frame."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.video(video_id), "video")


@video.command("frame")
def frame(
    ctx: typer.Context,
    video_id: VideoId,
    place: Annotated[int, typer.Argument(help="The frame's place, from 1.")],
    out: Annotated[Path, typer.Option(help="Where to write it; nothing is overwritten.")],
    as_json: Json = False,
) -> None:
    """Fetch a frame as it was handed in, octet for octet."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.video_frame(video_id, place)
    try:
        with out.open("xb") as file:
            file.write(answer["octets"])
    except OSError as error:
        raise InvalidInput(
            "cannot_write", f"{out.name}: {error.strerror}", field="--out", rule="cli: files",
            mend="name a file that is not there yet",
        ) from None  # fmt: skip
    done = {"file": str(out), "type": answer["type"], "octets": len(answer["octets"])}
    show(run, done, "frame")


@video.command("waiting")
def waiting(ctx: typer.Context, cursor: int = 0, limit: int = 100, as_json: Json = False) -> None:
    """List videos with a frame that waits for review. For the operator's reviewers."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.videos_waiting(cursor, limit)
    if not run.json:
        items = [{**one, "frames": len(one["frames"])} for one in answer["items"]]
        answer = {**answer, "items": items}
    show(run, answer, "videos that wait for review")


@video.command("approve")
def approve(
    ctx: typer.Context, video_id: VideoId, frame: Frames, by: By, as_json: Json = False
) -> None:
    """Approve frames, each by its place; the video may leave once all are. For reviewers."""
    run = session(ctx, as_json)
    show(run, _review(run, video_id, frame, verdict="approve", by=by), "video")


@video.command("reject")
def reject(
    ctx: typer.Context,
    video_id: VideoId,
    frame: Frames,
    by: By,
    reason: Annotated[str, typer.Option(help="What is wrong with it, in words.")],
    as_json: Json = False,
) -> None:
    """Turn frames down, or take an approval back; the video then leaves no more. For reviewers."""
    run = session(ctx, as_json)
    show(run, _review(run, video_id, frame, verdict="reject", by=by, reason=reason), "video")


def _review(run: Session, video_id: str, frames: list[int], **words: str) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    with run.client() as client:
        for place in frames:
            answer = client.review_frame(video_id, place, **words)
    return answer
