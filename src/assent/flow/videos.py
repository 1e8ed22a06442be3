"""Contents of video messages: taken in, kept once, reviewed frame by frame by people.

submitted → approved, when somebody has approved every frame; → rejected, as soon as one is turned
down. A word on a frame of an approved content that takes it back makes it withdrawn: what is not
written to a link yet does not leave any more. Rejected and withdrawn are ends: a mended content is
a new one. Every word of a reviewer is kept, with the person's name and the key that was used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooLarge
from assent.flow.catalogue import Catalogue
from assent.flow.columns import pack_object
from assent.flow.ids import BatchIds
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Video
from assent.flow.orders import account_of
from assent.flow.requests import Caller, FrameReview, VideoRequest
from assent.message import Purpose
from assent.policy.reasons import BY_CODE
from assent.wire.media import ENDINGS, TEXT, kind_of, kind_of_name, text_of

LONGEST_SUBJECT: Final = 40
"""Characters of a subject: what MMS phones show (OMA MMS Conformance)."""

MOST_WAITING: Final = 100
"""Contents of one account that may wait for review at once: people have to look at each."""

_LONGEST_WORDS: Final = 500
_PAGE: Final = 100
_ENDS: Final = ("rejected", "withdrawn")


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What a content may be: octets of all frames together, and how many frames. Numbers of ours:
    what a centre takes is its own (300 KB to 2 MB are met)."""

    octets: int = 2_000_000
    frames: int = 20


@dataclass(frozen=True, slots=True)
class _Frame:
    name: str
    kind: str
    data: bytes
    sha: bytes


class Videos:
    """Contents of all accounts."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        catalogue: Catalogue,
        limits: VideoLimits | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self.limits = limits or VideoLimits()

    # Customers -----------------------------------------------------------------------------

    async def add(
        self, caller: Caller, request: VideoRequest, files: Sequence[tuple[str, bytes]]
    ) -> dict[str, Any]:
        """Keep a content of ordered (name, octets) and put it up for review; return where it
        stands. The same content again is the one that is there, however it stands.

        Raises InvalidInput naming field and mend, TooLarge, NotAllowed.
        """
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, request.sender)
        purpose = Purpose[request.purpose.upper()]
        basis = self._words(request, purpose)
        frames = self._frames(files)
        digest = _digest(request.subject, basis, frames)
        text = "\n".join(text_of(one.data) or "" for one in frames if one.kind == TEXT)
        await self._ids.reserve(self._store, 1)
        new = self._ids.next()
        async with self._store.transaction() as tx:
            made: Any = await tx.fetchval(
                "video_insert",
                new,
                account.id,
                sender.id,
                int(purpose),
                request.subject,
                basis,
                digest,
                sum(len(one.data) for one in frames),
                text,
                utc(self._clock.now()),
            )
            if made is not None:
                await self._keep(tx, account.id, new, frames)
        if made is None:
            same = (account.id, sender.id, int(purpose), digest)
            made = await self._store.fetchval("video_same", *same)
        return await self.get(caller, int(made))

    async def _keep(self, tx: Transaction, account: int, video: int, frames: list[_Frame]) -> None:
        """Store the frames of a new content. Raises Conflict when too many wait already."""
        if await tx.fetchval("videos_waiting_of", account) > MOST_WAITING:
            raise Conflict(
                "videos_waiting",
                f"{MOST_WAITING} videos of this account wait for review",
                field="file",
                rule="video: limits",
                mend="wait until some are reviewed",
            )
        for data in sorted({one.sha: one.data for one in frames}.items()):
            await tx.execute("blob_put", *data)
        for place, one in enumerate(frames, start=1):
            await tx.execute(
                "video_frame_insert", video, place, one.name, one.kind, len(one.data), one.sha
            )
        told = pack_object({"frames": len(frames), "state": "submitted"})
        await tx.execute("event_insert", utc(self._clock.now()), "video", account, video, told)

    @staticmethod
    def _words(request: VideoRequest, purpose: Purpose) -> str:
        """Check the words that come with a content; return its basis."""
        if not 1 <= len(request.subject.strip()) <= LONGEST_SUBJECT:
            raise InvalidInput(
                "subject_length",
                f"a subject has 1 to {LONGEST_SUBJECT} characters",
                field="subject",
                mend="write a short one",
            )
        basis = request.basis.strip()
        if (purpose is Purpose.NOTIFICATION) is not bool(basis):
            raise InvalidInput(
                "basis",
                "a notification needs a basis, and nothing else has one",
                field="basis",
                rule="CN-76",
                mend="say why receivers get a notification; leave it out where they agreed",
            )
        if len(basis) > _LONGEST_WORDS:
            raise InvalidInput(
                "basis",
                f"the basis has more than {_LONGEST_WORDS} characters",
                field="basis",
                mend="shorten it",
            )
        return basis

    def _frames(self, files: Sequence[tuple[str, bytes]]) -> list[_Frame]:
        """Check files and return them as frames. What one is, its octets say; its name may say
        the same or nothing."""
        limits = self.limits
        if not 1 <= len(files) <= limits.frames:
            raise InvalidInput(
                "frames",
                f"a video message has 1 to {limits.frames} frames",
                field="file",
                rule="video: limits",
                mend="hand in each frame as a file of its own",
            )
        if sum(len(data) for _, data in files) > limits.octets:
            raise TooLarge(
                "video_too_large",
                f"the frames together are larger than {limits.octets} octets",
                field="file",
                rule="video: limits",
                mend="make pictures and videos smaller",
                details={"limit": limits.octets},
            )
        return [_frame(place, name, data) for place, (name, data) in enumerate(files, start=1)]

    async def get(self, caller: Caller, video: int) -> dict[str, Any]:
        """Return where a content stands, frame by frame. Customers see their own.

        Raises NotFound."""
        owner = None if self._reviews(caller) else caller.account_id
        row = await self._store.fetchrow("video_get", video, owner)
        if row is None:
            raise no_video()
        return _told(row, await self._store.fetch("video_frames", [video]))

    async def frame(self, caller: Caller, video: int, place: int) -> tuple[str, bytes]:
        """Return media type and octets of a frame. Customers see their own. Raises NotFound."""
        owner = None if self._reviews(caller) else caller.account_id
        row = await self._store.fetchrow("video_frame_octets", video, place, owner)
        if row is None:
            raise no_video()
        return row["media_type"], bytes(row["octets"])

    async def for_order(self, caller: Caller, word: str) -> Video:
        """Return a content that an order names. Raises NotFound."""
        row = None
        if word.isascii() and word.isdecimal() and len(word) < 19:
            row = await self._store.fetchrow("video_get", int(word), caller.account_id)
        if row is None:
            raise no_video("video")
        purpose = Purpose(row["purpose"])
        return Video(row["id"], row["sender_id"], purpose, row["state"], row["text"], row["basis"])

    # Reviewers -----------------------------------------------------------------------------

    def _reviews(self, caller: Caller) -> bool:
        """Whether somebody reviews: the operator's own account, with a key made for it."""
        account = self._catalogue.accounts.get(caller.account_id)
        operator = account is not None and account.active and account.kind == "operator"
        return operator and "review" in caller.scopes

    def _check_reviewer(self, caller: Caller) -> None:
        if not self._reviews(caller):
            raise NotAllowed(
                "not_a_reviewer",
                "only the operator's reviewers may do this",
                field="Authorization",
                mend="use a key of the operator's account with the scope review",
            )

    async def waiting(self, caller: Caller, cursor: int, limit: int = _PAGE) -> dict[str, Any]:
        """Return contents with a frame that waits for review, oldest first, after a cursor."""
        self._check_reviewer(caller)
        rows = await self._store.fetch("videos_waiting", cursor, limit)
        frames = await self._store.fetch("video_frames", [row["id"] for row in rows])
        items = [_told(row, [f for f in frames if f["video_id"] == row["id"]]) for row in rows]
        return {
            "items": items,
            "cursor": rows[-1]["id"] if rows else cursor,
            "more": len(rows) == limit,
        }

    async def review(
        self, caller: Caller, video: int, place: int, request: FrameReview
    ) -> dict[str, Any]:
        """Note what a person says of a frame; return where the content stands now.

        Raises NotAllowed, NotFound, InvalidInput without a name or, where it is turned down,
        without a reason; Conflict for a content at its end.
        """
        self._check_reviewer(caller)
        _check_review(request)
        approved = request.verdict == "approve"
        async with self._store.transaction() as tx:
            state = await tx.fetchval("video_hold", video)
            if state in _ENDS:
                raise Conflict(
                    "video_ended",
                    f"this content is {state} for good",
                    field="id",
                    mend="have it mended and handed in again",
                )
            words = (approved, request.reason.strip(), request.by.strip(), caller.key_id)
            at = utc(self._clock.now())
            if await tx.fetchval("video_review_insert", video, place, *words, at) is None:
                raise no_video()
            after = _state(state, await tx.fetch("video_frames", [video]))
            await tx.execute("video_set_state", video, after)
            told = pack_object({"place": place, "approved": approved, "state": after})
            await tx.execute("event_insert", at, "video", None, video, told)
            if after == "withdrawn":
                await tx.execute("notify", "video", str(video))
        return await self.get(caller, video)


def _state(before: str, frames: Sequence[Any]) -> str:
    """Return where a content stands after a word on one of its frames."""
    if any(frame["approved"] is False for frame in frames):
        return "withdrawn" if before == "approved" else "rejected"
    return "approved" if all(frame["approved"] for frame in frames) else "submitted"


def _check_review(request: FrameReview) -> None:
    for field, words, needed in (
        ("by", request.by, True),
        ("reason", request.reason, request.verdict == "reject"),
    ):
        if (needed and not words.strip()) or len(words) > _LONGEST_WORDS:
            raise InvalidInput(
                "review",
                f"{field} is empty or longer than {_LONGEST_WORDS} characters",
                field=field,
                rule="video: review",
                mend="give the reviewer's name, and a reason with what is turned down",
            )


def _frame(place: int, name: str, data: bytes) -> _Frame:
    kind, said = kind_of(data), kind_of_name(name)
    if kind is None:
        raise InvalidInput(
            "frame_type",
            f"frame {place} is none of {', '.join(ENDINGS)}",
            field=f"file[{place}]",
            rule="video: frames",
            mend="convert it, and save texts in UTF-8",
        )
    if said is not None and said != kind:
        raise InvalidInput(
            "frame_name",
            f"frame {place} is {kind} and its name says {said}",
            field=f"file[{place}]",
            rule="video: frames",
            mend="hand in what the name says, or rename the file",
        )
    return _Frame(name[-200:].replace("\0", ""), kind, data, hashlib.sha256(data).digest())


def _digest(subject: str, basis: str, frames: Sequence[_Frame]) -> bytes:
    whole = hashlib.sha256()
    for piece in (subject.encode(), basis.encode(), *(one.sha for one in frames)):
        whole.update(len(piece).to_bytes(4, "big") + piece)
    return whole.digest()


def _told(row: Any, frames: Sequence[Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "sender": row["credit_code"],
        "sender_name": row["legal_name"],
        "purpose": Purpose(row["purpose"]).name.lower(),
        "subject": row["subject"],
        "basis": row["basis"],
        "state": row["state"],
        "octets": row["octets"],
        "created_at": row["created_at"],
        "frames": [_frame_told(frame) for frame in frames],
    }


def _frame_told(frame: Any) -> dict[str, Any]:
    state = {None: "submitted", True: "approved", False: "rejected"}[frame["approved"]]
    return {
        "place": frame["place"],
        "name": frame["name"],
        "type": frame["media_type"],
        "octets": frame["octets"],
        "sha256": bytes(frame["sha256"]).hex(),
        "state": state,
        "reason": frame["reason"] or None,
        "reviewer": frame["reviewer"],
        "reviewed_at": frame["at"],
    }


def not_approved(state: str) -> Conflict:
    """Return the error for a content of which nothing may leave as it stands."""
    code = "content_refused" if state in _ENDS else "content_not_reviewed"
    reason = BY_CODE[code]
    words = f"{reason.en}（{reason.zh}）"
    return Conflict(code, words, field="video", rule="CN-06", mend=reason.mend)


def no_video(field: str = "id") -> NotFound:
    """Return the error for a content that is not there for who asks."""
    return NotFound(
        "no_video",
        "there is no such video",
        field=field,
        mend="use the id that was returned when it was handed in",
    )
