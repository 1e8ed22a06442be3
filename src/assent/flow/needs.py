"""What flow asks of the database. The store implements it; flow never imports the store.

Statements are named; their text lives in the store's query files. Times are `datetime` in
UTC, columns of numbers are `bytes` (see columns.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

Isolation = Literal["read_committed", "repeatable_read", "serializable"]


class Queries(Protocol):
    """Named statements, run one at a time."""

    async def fetch(self, name: str, *args: Any) -> list[Any]:
        """Return all rows."""

    async def fetchrow(self, name: str, *args: Any) -> Any | None:
        """Return the first row or None."""

    async def fetchval(self, name: str, *args: Any) -> Any:
        """Return the first value of the first row, or None."""

    async def execute(self, name: str, *args: Any) -> str:
        """Run a statement for its effect."""

    async def executemany(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once a row."""

    async def copy(
        self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]
    ) -> None:
        """Append many rows to a table."""

    async def copy_out(self, name: str, sink: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand the rows of a statement on as a stream in PostgreSQL's binary COPY format."""


class Transaction(Queries, Protocol):
    """Named statements inside one transaction (READ COMMITTED)."""


class Store(Queries, Protocol):
    """The system of record."""

    async def once(self, name: str, *args: Any) -> Any:
        """Run a statement that is a whole transaction; return its first row, or None. Raises
        Unavailable `commit_unknown` when its answer is lost."""

    def transaction(
        self, *, isolation: Isolation = "read_committed", read_only: bool = False
    ) -> AbstractAsyncContextManager[Transaction]:
        """Begin; commit at the end of the block, roll back if it raises."""


def utc(seconds: float) -> datetime:
    """Return a time in seconds since 1970 as the database takes it."""
    return datetime.fromtimestamp(seconds, UTC)
