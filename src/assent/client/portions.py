"""Long lists, handed over in portions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

ROWS_A_CALL: Final = 5_000
"""Consents and refusals sent in one request; longer lists become several."""


def numbered(
    rows: Iterable[Any], progress: Callable[[int], None] | None
) -> Iterator[tuple[int, list[Any]]]:
    """Yield (number of the first row, portion); report each portion once the next is asked."""
    first = 0
    iterator = iter(rows)
    while portion := list(islice(iterator, ROWS_A_CALL)):
        yield first, portion
        first += len(portion)
        if progress is not None:
            progress(first)
