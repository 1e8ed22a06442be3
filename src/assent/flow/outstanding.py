"""Which message a carrier's id stands for, until its receipt comes."""

from __future__ import annotations

from typing import Final

LIMIT: Final = 2_000_000


class Outstanding:
    """Carrier's message id → segment of a message, until its receipt comes.

    Two generations bound the memory: when the young one is full the old one is dropped, and
    the receipts of dropped ones are matched in the database instead.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self.young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def put(self, carrier_id: int, reference: int) -> None:
        """Remember message id · 256 + segment under a carrier's id."""
        if len(self.young) >= self._limit:
            self._old = self.young
            self.young = {}
        self.young[carrier_id] = reference

    def get(self, carrier_id: int) -> int | None:
        """Return what a carrier's id stands for."""
        found = self.young.get(carrier_id)
        return self._old.get(carrier_id) if found is None and self._old else found

    def pop(self, carrier_id: int) -> int | None:
        """Return and forget what a carrier's id stands for."""
        found = self.young.pop(carrier_id, None)
        return self._old.pop(carrier_id, None) if found is None and self._old else found
