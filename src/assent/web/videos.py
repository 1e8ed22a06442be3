"""The routes of video messages' contents: handing them in, looking at them, reviewing them."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from assent.errors import InvalidInput, ProtocolError
from assent.flow.requests import FrameReview, VideoRequest
from assent.web.caller import caller_of, decode, rooms_of
from assent.web.openapi import VIDEO, described
from assent.web.problems import bad_json
from assent.web.routes import Cursor, Id, Limit, answer, exchange_of
from assent.web.services import Services
from assent.wire import mime

Place = Annotated[int, Path(ge=1, le=64)]

_INLINE: Final = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
"""A frame is a stranger's file: a browser shall save it and guess nothing."""


def video_router(services: Services) -> APIRouter:  # long: a list of short routes
    """Return the routes of contents."""
    router = APIRouter()
    reviewed = msgspec.json.Decoder(FrameReview)

    @router.post("/v1/videos", **VIDEO)
    async def upload_video(request: Request) -> Response:
        """Hand in the frames of a video message; people review every one before it may leave."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "send")
        body = await exchange.body()
        order, files = read_form(exchange.header(b"content-type"), body)
        return answer(await rooms_of(services, caller).videos.add(caller, order, files), 201)

    @router.get("/v1/videos", **described())
    async def videos(request: Request, cursor: Cursor = 0, limit: Limit = 100) -> Response:
        """List contents that wait for review. For the operator's reviewers."""
        caller = await caller_of(exchange_of(request), services, "review")
        return answer(await rooms_of(services, caller).videos.waiting(caller, cursor, limit))

    @router.get("/v1/videos/{video_id}", **described())
    async def video(request: Request, video_id: Id) -> Response:
        """Tell where a content stands, frame by frame."""
        caller = await caller_of(exchange_of(request), services, "read", "send", "review")
        return answer(await rooms_of(services, caller).videos.get(caller, video_id))

    @router.get("/v1/videos/{video_id}/frames/{place}", **described())
    async def frame(request: Request, video_id: Id, place: Place) -> Response:
        """Return a frame as it was handed in, octet for octet."""
        caller = await caller_of(exchange_of(request), services, "read", "send", "review")
        kind, octets = await rooms_of(services, caller).videos.frame(caller, video_id, place)
        return Response(octets, media_type=kind, headers=_INLINE)

    @router.post("/v1/videos/{video_id}/frames/{place}/review", **described(FrameReview))
    async def review(request: Request, video_id: Id, place: Place) -> Response:
        """Approve a frame, or turn it down with a reason. For the operator's reviewers."""
        exchange = exchange_of(request)
        caller = await caller_of(exchange, services, "review")
        word = decode(reviewed, await exchange.body(), "FrameReview")
        return answer(await rooms_of(services, caller).videos.review(caller, video_id, place, word))

    return router


def read_form(content_type: str, body: bytes) -> tuple[VideoRequest, list[tuple[str, bytes]]]:
    """Return the fields of a form and its files in their order. Raises InvalidInput."""
    fields: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    try:
        boundary = mime.boundary_of(content_type)
        if boundary is None:
            raise _malformed("the body is no form")
        for part in mime.split(body, boundary):
            _, said = mime.media_type(part.headers.get("content-disposition", ""))
            if "filename" in said:
                files.append((said["filename"], part.body))
            else:
                fields[said.get("name", "")] = part.body.decode("utf-8")
    except ProtocolError as error:
        raise _malformed(error.args[0]) from None
    except UnicodeDecodeError:
        raise _malformed("a field is not UTF-8") from None
    try:
        return msgspec.convert(fields, VideoRequest), files
    except msgspec.ValidationError as error:
        raise bad_json(error, "VideoRequest") from None


def _malformed(words: str) -> InvalidInput:
    return InvalidInput(
        "malformed_form", words, field="body", rule="http-api: videos", status=400,
        mend="send multipart/form-data with sender, purpose, subject and a part file a frame",
    )  # fmt: skip
