"""What flow and carrier links promise each other; the only thing they share.

A link *pulls*: when its window has room it asks its :class:`Source`, writes at once what it
was given, and tells its :class:`Sink` what became of each token. So nothing waits in a link,
and a message refused a moment ago can still be withheld (DESIGN.md, "Dispatch").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from assent.wire.kit import Kit
from assent.wire.pdus import Report

Outgoing = tuple[int, bytes]
"""(token, SUBMIT body without its header). A token is an int of the source's own making."""

Answer = tuple[int, int, int]
"""(token, the carrier's result code, the carrier's message id)."""


class Deliver(Protocol):
    """A DELIVER as it arrived: a report on an earlier message, or a mobile-originated one."""

    @property
    def source(self) -> str: ...
    @property
    def destination(self) -> str: ...
    @property
    def fmt(self) -> int: ...
    @property
    def udhi(self) -> int: ...
    @property
    def content(self) -> bytes: ...
    @property
    def is_report(self) -> bool: ...
    @property
    def message_id(self) -> int: ...
    @property
    def raw(self) -> bytes: ...

    def report(self) -> Report:
        """Return the report that the content holds."""


class LinkHandle(Protocol):
    """A link as flow sees it."""

    @property
    def name(self) -> str: ...
    @property
    def carrier(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def kit(self) -> Kit:
        """How the link's dialect writes and reads; one a link, so it may be a key."""

    def acknowledge(self, delivers: Sequence[Deliver], result: int = 0) -> None:
        """Answer delivers that are durable now; a no-op for those of an earlier connection."""

    def abort(self, reason: str) -> None:
        """Close the socket at once; unanswered tokens are then reported lost."""


class Source(Protocol):
    """Where a link gets its work."""

    def take(self, link: LinkHandle, credit: int) -> list[Outgoing]:
        """Return at most `credit` messages, which the link writes before anything else runs."""


class Sink(Protocol):
    """Where a link reports to. Calls are synchronous and never block."""

    def answered(self, link: LinkHandle, answers: list[Answer]) -> None:
        """Take the carrier's answers to submits."""

    def lost(self, link: LinkHandle, tokens: list[int]) -> None:
        """Take tokens that were written and never answered; their socket is closed already."""

    def arrived(self, link: LinkHandle, delivers: Sequence[Deliver]) -> None:
        """Take delivers; acknowledge them through the link once they are durable."""

    def changed(self, link: LinkHandle, state: str, detail: str) -> None:
        """Take note of a link that came up, went down or was refused."""
