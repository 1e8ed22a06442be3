"""The short way of a refusal: from the octets of a reply to its commit in one call.

Most refusals are one whole message, of somebody known, to a number of one sender: what is to be
written is known before anything is asked. Such messages are stored as they came, read, entered and
confirmed in one statement, which takes the locks and looks first; where something is not as
supposed it stores nothing, and they take the way of all others (replies.py, refusals.py). Both come
to the same rows; a test compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assent.consent.entry import encode
from assent.errors import AssentError
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, pack
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.needs import Store, utc
from assent.flow.refusals import Asked, RefusalWriter


@dataclass(frozen=True, slots=True)
class Word:
    """A message that refuses, as it came and as it is read. `row`: id, at, carrier, link, carrier's
    id, destination, person, coding, octets (of one that is stored, link and carrier's id are
    anything); `reply`: id, text, intent, complaint, keyword set, its
    digest, the event that tells of it."""

    row: tuple[Any, ...]
    reply: tuple[int, str, str, bool, str, bytes | None, bytes]
    asked: Asked

    @property
    def pair(self) -> tuple[int, int]:
        """Whom it ends what for."""
        return self.asked.groups[0], self.asked.person


class AtOnce:
    """Writes such refusals."""

    def __init__(
        self, store: Store, catalogue: Catalogue, ids: BatchIds, writer: RefusalWriter
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._ids = ids
        self._writer = writer

    async def write(self, words: Sequence[Word], now: float, stored: bool = False) -> bool:
        """Store the messages and carry them out, or nothing of either: then False is returned.

        `stored`: they are there, and claimed. No two are of one pair. The answer to the commit may
        be lost: then they may be stored, and storing them again by their ids does no harm.
        `BatchIds` has an id reserved for each.
        """
        made = [self._writer.made(word.asked, now) for word in words]
        await self._writer.keep(self._store, [entry for entry, _ in made])
        groups = sorted({word.asked.groups[0] for word in words})
        at = utc(now)
        entered = utc(made[0][0].at_ms / 1000)
        ids, arrived, carriers, links, carrier_ids, destinations, people, codings, octets = zip(
            *(word.row for word in words), strict=True
        )
        replies, texts, intents, complaints, sets, digests, told = zip(
            *(word.reply for word in words), strict=True
        )
        try:
            row = await self._store.once(
                "refusals_at_once",
                groups, at, stored, ids, arrived, carriers, links, carrier_ids,
                destinations, people, codings, octets, replies, texts, intents, complaints,
                [word.asked.groups[0] for word in words], sets, digests, told,
                [word.asked.purposes for word in words],
                [encode(entry) for entry, _ in made], entered,
                [pack([person], U32) for person in people],
                self._catalogue.groups() if EVERYONE in groups else groups,
                [self._ids.next() for _ in words],
                [self._writer.names(word.asked.groups) for word in words],
                [code for _, code in made],
            )  # fmt: skip
        except AssentError:
            return False  # whatever it is, the longer way meets it again and tells
        return row is not None and row["head"] is not None
