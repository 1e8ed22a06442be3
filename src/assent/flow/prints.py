"""Every text that is handed in or ordered leaves its signature: who used the same, or nearly so.

Runs beside the message path: it reads new templates and orders of free text after a cursor, keeps
signatures and uses, and tells families, which are texts that are near one another. The index of all
signatures (screen/near.py) is in memory of the process that runs this and is built from the
database; whoever takes over builds its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.flow import graph
from assent.flow.graph import tie
from assent.flow.near_files import NearFiles
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.vault import Vault
from assent.screen import traits
from assent.screen.minhash import OCTETS, Signatures, signatures
from assent.screen.near import Index
from assent.screen.normal import Normal, normalise_all
from assent.screen.shingles import shingles

SAME: Final = 0.9
"""From which similarity on a text counts as one that is kept already."""

_CURSOR: Final = "near"
_TEMPLATES: Final = "near_templates"
_OVERLAP_S: Final = 120.0
"""Templates so young are read again: one that commits later may have an earlier id."""
_AT_ONCE: Final = 256
_EVENTS: Final = 1_000
_PAGE: Final = 20_000
_MARKS: Final = 16
"""Hosts, and contacts, that are kept of one text."""

Tell = Callable[[Sequence[str]], Sequence[str]]
"""What categories texts are of: a code of screen/categories.py each, or ''."""


@dataclass(frozen=True, slots=True)
class Used:
    """A text that somebody handed in or ordered. `what`: template, campaign or order; `subject`:
    its id."""

    what: str
    subject: int
    account: int
    sender: int
    purpose: int
    text: str
    at: float


class Prints:
    """Keeps signatures. Call :meth:`step` now and then in one process of an installation."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        tell: Tell | None = None,
        files: NearFiles | None = None,
    ) -> None:
        """`files`: where the index is kept between starts."""
        self._store = store
        self._clock = clock
        self._vault = vault
        self._tell = tell or (lambda texts: [""] * len(texts))
        self.index = Index()
        self._last = 0
        self._mark = b""
        self._newest = 0
        self._files = files
        self._loaded = files is None
        self._last_known = 0

    async def step(self) -> int:
        """Read what is new, a portion; return how much of it was not read before. Raises
        AssentError: nothing of the portion is kept then, and it is read again."""
        async with self._store.transaction() as tx:
            cursor = await tx.fetchval("cursor_hold", _CURSOR)
            await self._follow(tx)
            events = await tx.fetch("events_after", cursor, ["submission"], _EVENTS)
            used = await self._templates(tx)
            newest = max((one.subject for one in used), default=0)
            new = len(events) + sum(one.subject > self._newest for one in used)
            used += await self._orders(tx, [row["subject"] for row in events])
            for at in range(0, len(used), _AT_ONCE):
                await self._keep(tx, used[at : at + _AT_ONCE])
            if events:
                await tx.execute("cursor_set", _CURSOR, events[-1]["seq"])
        self._newest = max(self._newest, newest)
        return new

    async def forget(self, before: float) -> None:
        """Forget who used what before a time, and texts that nobody used since."""
        async with self._store.transaction() as tx:
            await tx.fetchval("cursor_hold", _CURSOR)
            await tx.execute("near_forget", utc(before))
            rows = await tx.fetch("near_forget_prints", utc(before))
        self.index.drop([row["id"] for row in rows])

    # What is there ---------------------------------------------------------------------------

    async def save(self) -> int:
        """Keep the index in its files, if it has any; return how many were written. Raises
        OSError."""
        if self._files is None or not self._loaded:
            return 0
        marks = {"last": self._last, "known": self._last_known, "mark": self._mark.hex()}
        return await asyncio.to_thread(self._files.save, self.index, marks)

    async def _load(self, queries: Queries) -> None:
        """Take the index from its files. Those of another database, or of a later one than a
        restored backup, are of no use. Raises InvalidInput `near_file` once, naming what is
        damaged: the next look builds it anew."""
        self._loaded = True
        found = None if self._files is None else await asyncio.to_thread(self._files.load)
        if found is None:
            return
        index, marks = found
        row = await queries.fetchrow("near_print_get", marks["last"])
        if row is not None and bytes(row["signature"]).hex() == marks["mark"]:
            self.index, self._last = index, marks["last"]
            self._last_known, self._mark = marks["known"], bytes(row["signature"])

    async def _follow(self, queries: Queries) -> None:
        """Take into the index what was kept since the last look, by whatever process, and what
        other platforms told; what they took back goes."""
        if not self._loaded:
            await self._load(queries)
        while rows := await queries.fetch("near_prints", self._last, _PAGE):
            await self._index(rows, 1)
            self._last, self._mark = rows[-1]["id"], bytes(rows[-1]["signature"])
        while rows := await queries.fetch("fingerprints_after", self._last_known, _PAGE):
            await self._index(rows, -1)
            self._last_known = rows[-1]["id"]
            await self._recognise(queries, rows)
        gone = await queries.fetch("fingerprints_gone", self._last_known)
        self.index.drop([-row["id"] for row in gone])

    async def _index(self, rows: Sequence[Any], sign: int) -> None:
        ids = [sign * row["id"] for row in rows]
        await asyncio.to_thread(self.index.add, ids, stacked(row["signature"] for row in rows))

    async def _recognise(self, queries: Queries, rows: Sequence[Any]) -> None:
        """Note which of our texts another platform tells of."""
        made = stacked(row["signature"] for row in rows)
        found = await asyncio.to_thread(self.index.near, made)
        at = utc(self._clock.now())
        for place, id_, alike in zip(found.queries, found.ids, found.similarity, strict=True):
            if id_ > 0:
                known = rows[int(place)]["id"]
                await queries.execute("text_known_put", int(id_), known, float(alike), at)

    # What is new -----------------------------------------------------------------------------

    async def _templates(self, tx: Transaction) -> list[Used]:
        after = await tx.fetchval("cursor_get", _TEMPLATES) or 0
        rows = await tx.fetch("near_templates", after, _EVENTS)
        settled = self._clock.now() - _OVERLAP_S
        old = [row["id"] for row in rows if row["at"].timestamp() < settled]
        if old:
            await tx.execute("cursor_set", _TEMPLATES, old[-1])
        return [_used("template", row["id"], row) for row in rows]

    async def _orders(self, tx: Transaction, submissions: list[int]) -> list[Used]:
        found: dict[tuple[str, int, str], Used] = {}
        for row in await tx.fetch("near_orders", submissions) if submissions else ():
            campaign = row["campaign_id"]
            what = ("order", row["submission_id"]) if campaign is None else ("campaign", campaign)
            found.setdefault((*what, row["content"]), _used(*what, row))
        return list(found.values())

    async def _keep(self, tx: Transaction, used: Sequence[Used]) -> None:
        readings = normalise_all([traits.plain(one.text) for one in used])
        texts = [reading.text for reading in readings]
        cut = shingles(texts)
        made = signatures(cut)
        prints = await self._prints(tx, used, texts, made, cut.counts.tolist())
        for one, reading, print_id in zip(used, readings, prints, strict=True):
            if print_id is not None:
                await self._use(tx, one, reading, print_id)

    async def _prints(
        self, tx: Transaction, used: Sequence[Used], texts: Sequence[str], made: Signatures,
        letters: Sequence[int],
    ) -> list[int | None]:  # fmt: skip
        """Return for each text the one that it counts as, None for one without letters. What is
        found in the index was kept before; what is found among themselves was kept just now."""
        before = (await asyncio.to_thread(self.index.near, made)).lists(len(used))
        own = Index()
        own.add(np.arange(len(used)), made)
        beside = own.near(made).lists(len(used))
        families = await _families(tx, {pair[0] for row in before for pair in row})
        categories = await asyncio.to_thread(self._tell, texts)
        found: list[int | None] = []
        for place, one in enumerate(used):
            if not letters[place]:
                found.append(None)
                continue
            near = [pair for pair in before[place] if pair[0] in families]
            for other, alike in beside[place]:
                known = found[other] if other < place else None
                if known is not None:
                    near.append((known, alike))
            at = utc(one.at)
            same, alike = max(near, key=lambda pair: pair[1], default=(0, 0.0))
            if alike >= SAME:
                await tx.execute("near_print_seen", same, at)
                found.append(same)
                continue
            row = made[place], letters[place], categories[place]
            new = await _new(tx, *row, {families[pair[0]] for pair in near}, families, at)
            for known, alike in before[place]:
                if known < 0:
                    await tx.execute("text_known_put", new, -known, alike, at)
            found.append(new)
        return found

    async def _use(self, tx: Transaction, one: Used, reading: Normal, print_id: int) -> None:
        """Note who uses a text, and tie the contacts in it to the sender's entity. Hosts are not: a
        short-link host is anybody's."""
        hosts = sorted(traits.hosts(reading))[:_MARKS]
        ties = [tie("contact", contact, "in_a_text", vault=self._vault)
                for contact in sorted(traits.contacts(reading))[:_MARKS]]  # fmt: skip
        marks = [f"host {host}" for host in hosts] + [f"contact {t.mark.hex()}" for t in ties]
        await tx.execute(
            "near_use_put", print_id, one.account, one.sender, one.what, one.purpose, one.subject,
            marks, utc(one.at),
        )  # fmt: skip
        entity = await tx.fetchval("entity_of_sender", one.sender)
        if entity is not None:
            for each in ties:
                await graph.link(tx, entity, each, "texts", one.at)


async def _families(queries: Queries, ids: set[int]) -> dict[int, int]:
    """Return of which family texts are, as far as they are still kept."""
    ours = [one for one in ids if one > 0]
    rows = await queries.fetch("near_families", ours) if ours else ()
    return {row["id"]: row["family"] for row in rows}


async def _new(
    tx: Transaction, signature: Any, letters: int, category: str, near: set[int],
    families: dict[int, int], at: Any,
) -> int:  # fmt: skip
    """Keep a text; the families of those it is near to are one from now on."""
    first = min(near, default=0)
    row = await tx.fetchrow("near_print_put", signature.tobytes(), letters, first, category, at)
    assert row is not None
    new = int(row["id"])
    if not row["family"]:
        await tx.execute("near_print_founds", new)
    if len(near) > 1:
        await tx.execute("near_family_join", first, sorted(near - {first}))
        families |= {one: first for one, family in families.items() if family in near}
    families[new] = row["family"] or new
    return new


def stacked(rows: Iterable[bytes]) -> Signatures:
    """Return signatures, one a row."""
    return np.frombuffer(b"".join(map(bytes, rows)), np.uint8).reshape(-1, OCTETS)


def _used(what: str, subject: int, row: Any) -> Used:
    return Used(
        what, subject, row["account_id"], row["sender_id"], row["purpose"], row["content"],
        row["at"].timestamp(),
    )  # fmt: skip
