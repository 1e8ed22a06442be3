"""What the routes about screened texts are handed; app/screening_desk.py has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from assent.flow.requests import Caller, ReviewWords
from assent.flow.text_requests import TextAppeal, TextChange, TextDecision


class TextRoom(Protocol):
    """Texts that were held or turned down."""

    async def list(
        self, caller: Caller, state: str | None, before: int, limit: int
    ) -> Mapping[str, Any]:
        """Return texts, newest first."""

    async def show(self, caller: Caller, review: int) -> Mapping[str, Any]:
        """Return a text with what is against it."""

    async def approve(
        self, caller: Caller, review: int, request: TextDecision
    ) -> Mapping[str, Any]:
        """Approve a text."""

    async def refuse(self, caller: Caller, review: int, request: TextDecision) -> Mapping[str, Any]:
        """Refuse a text."""

    async def change(self, caller: Caller, review: int, request: TextChange) -> Mapping[str, Any]:
        """Approve another text in its place."""

    async def ask(self, caller: Caller, review: int, request: ReviewWords) -> Mapping[str, Any]:
        """Ask the customer something."""

    async def appeal(self, caller: Caller, review: int, request: TextAppeal) -> Mapping[str, Any]:
        """Say why a text is in order."""

    async def adopt(self, caller: Caller, review: int) -> Mapping[str, Any]:
        """Take over what a reviewer made of a text."""


class TextFigures(Protocol):
    """What decisions about texts teach."""

    async def labels(
        self, caller: Caller, since: datetime | None, to: datetime | None, after: int
    ) -> Mapping[str, Any]:
        """Return a page of labelled texts."""

    async def report(
        self, caller: Caller, since: datetime | None, to: datetime | None
    ) -> Mapping[str, Any]:
        """Return how reviewers and screening agreed."""


class TextRooms(Protocol):
    """Both."""

    @property
    def desk(self) -> TextRoom:
        """Texts."""

    @property
    def reports(self) -> TextFigures:
        """Labels and reports."""
