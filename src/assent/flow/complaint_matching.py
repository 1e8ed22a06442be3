"""What a complaint is about: the message, else the text, else the port, as far as any is ours.

A message is found by the person, the number and the time: what was sent to her from there in
thirty days. Where the complaint tells the text, it must read like it. Without a person the text is
looked for among what was sent from the port, or from ports of the signature that it bears. Nothing
is guessed: a number that several senders have is nobody's until a message tells whose it was.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, unpack, unpack_object
from assent.flow.needs import Queries
from assent.flow.order import Port
from assent.flow.render import Rendering, placeholders
from assent.flow.written import batches_of
from assent.message import batch_id, message_id, split_message_id
from assent.screen.shingles import shingles

LOOK_BACK_S: Final = 30 * 86_400.0
ALIKE: Final = 0.6
"""How much of a reported text must stand in what was sent, of the shorter of both."""
_LATER_S: Final = 3_600.0  # clocks of others
_FIRST: Final = 1_600_000_000.0
_MOST: Final = 400
_PAGE: Final = 50
_BATCHES: Final = 200
_KEPT: Final = 2_000
_SHORTEST: Final = 6  # shingles of a text that can be told from others
_SIGNED: Final = re.compile(r"^\s*【([^】]{1,40})】|【([^】]{1,40})】\s*$")


@dataclass(frozen=True, slots=True)
class Sought:
    """What a complaint tells. `person`: 0 where unknown. `sender`: where the door knows it."""

    person: int
    at: float
    number: str = ""
    text: str = ""
    carrier: str = ""
    sender: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What it was matched to; `matched` as in the table. `text`: what was sent. `brand`: as its
    signature names the sender."""

    matched: str = ""
    message: int | None = None
    sender: int | None = None
    account: int | None = None
    port: int | None = None
    purpose: int | None = None
    carrier: str = ""
    brand: str = ""
    text: str = ""


NOTHING: Final = Match()


class Matching:
    """Finds out. What it read of a port is remembered as long as this lives: one file, or one look
    at what is new."""

    def __init__(self, queries: Queries, catalogue: Catalogue) -> None:
        self._queries = queries
        self._catalogue = catalogue
        self._sent: dict[tuple[tuple[int, ...], int], list[Any]] = {}
        self._batch: dict[int, Any] = {}
        self._shingles: dict[str, npt.NDArray[np.uint32]] = {}

    async def find(self, sought: Sought) -> Match:
        """Return what a complaint is about."""
        ports = self._catalogue.ports_at(sought.number, "") if sought.number else []
        if sought.number and not ports:
            return NOTHING
        if sought.person:
            found = await self._message(sought, ports)
            if found.matched:
                return found
        if sought.text:
            found = await self._text(sought, ports)
            if found.matched:
                return found
        return await self._port(sought, ports)

    async def of_message(self, message: int) -> Match:
        """Return what is known of a message; NOTHING for one that is not there."""
        batch, slot = split_message_id(message)
        for row in await self._rows([batch]):
            if slot < len(unpack(row["people"], U32)):
                return self._of(row, slot)
        return NOTHING

    def is_ours(self, number: str) -> bool:
        """Tell whether a number is or was a port here, or one with digits after it."""
        return bool(self._catalogue.ports_at(number, ""))

    # By the message ------------------------------------------------------------------------------

    async def _message(self, sought: Sought, ports: Sequence[Port]) -> Match:
        allowed = {port.id for port in ports}
        senders = self._group_of(sought.sender)
        best, most = NOTHING, 0.0
        async for row in self._batches(sought):
            if allowed and row["port_id"] not in allowed:
                continue
            if senders and row["sender_id"] not in senders:
                continue
            for slot in np.flatnonzero(unpack(row["people"], U32) == sought.person).tolist():
                if not sought.text:
                    return self._of(row, slot)  # the newest before she complained
                found = self._of(row, slot)
                alike = self._alike(sought.text, found.text)
                if alike >= ALIKE and alike > most:
                    best, most = found, alike
        return best

    async def _batches(self, sought: Sought) -> AsyncIterator[Any]:
        low, high = _range(sought.at)
        found = (await batches_of(self._queries, sought.person, low, high))[:_MOST]
        for start in range(0, len(found), _PAGE):
            for row in await self._rows(found[start : start + _PAGE]):
                yield row

    async def _rows(self, batches: Sequence[int]) -> list[Any]:
        """Return some batches in their order; complaints of one file are about few."""
        missing = [one for one in batches if one not in self._batch]
        if len(self._batch) + len(missing) > _BATCHES:
            self._batch, missing = {}, list(batches)
        if missing:
            for row in await self._queries.fetch("complaint_batches", missing):
                self._batch[row["id"]] = row
        return [self._batch[one] for one in batches if one in self._batch]

    def _of(self, row: Any, slot: int) -> Match:
        variables = unpack_object(row["variables"]) if row["variables"] is not None else None
        port = self._catalogue.ports.get(row["port_id"])
        return Match(
            "message",
            message_id(row["id"], slot),
            row["sender_id"] or None,
            row["account_id"],
            row["port_id"],
            row["purpose"],
            row["carrier"],
            "" if port is None else port.signature,
            Rendering(row["content"], variables).text(slot),
        )

    def _group_of(self, sender: int | None) -> frozenset[int]:
        known = None if sender is None else self._catalogue.senders.get(sender)
        if known is None:
            return frozenset()
        return frozenset(one.id for one in self._catalogue.senders_of_group(known.group_id))

    # By the text ---------------------------------------------------------------------------------

    async def _text(self, sought: Sought, ports: Sequence[Port]) -> Match:
        """Find what was sent that reads like it, from the ports or with the text's signature."""
        named = brand_of(sought.text)
        if not ports and named:
            ports = [p for p in self._catalogue.ports.values() if p.signature == named]
        if not ports:
            return NOTHING
        best, most = None, 0.0
        for row in await self._sent_from(ports, sought.at):
            content = row["content"]
            for name in placeholders(content):
                content = content.replace(f"{{{name}}}", "")
            alike = self._alike(sought.text, content)
            if alike >= ALIKE and alike > most:
                best, most = row, alike
        if best is None:
            return NOTHING
        port = self._catalogue.ports.get(best["port_id"])
        return Match(
            "text", None, best["sender_id"] or None, best["account_id"], best["port_id"],
            best["purpose"], best["carrier"], "" if port is None else port.signature,
            best["content"],
        )  # fmt: skip

    async def _sent_from(self, ports: Sequence[Port], at: float) -> list[Any]:
        """Return the texts that were sent from some ports before a time, each once."""
        low, high = _range(at)
        key = tuple(sorted(port.id for port in ports)), int(at // 3_600)
        if key not in self._sent:
            if len(self._sent) >= _KEPT:
                self._sent.clear()
            self._sent[key] = await self._queries.fetch(
                "complaint_batches_of_ports", list(key[0]), low, high, _MOST
            )
        return self._sent[key]

    def _alike(self, reported: str, sent: str) -> float:
        """Return how much of the shorter of two texts stands in the other."""
        one, other = self._grams(unsigned(reported)), self._grams(unsigned(sent))
        shorter = min(len(one), len(other))
        if shorter < _SHORTEST:
            return float(unsigned(reported) == unsigned(sent))
        return len(np.intersect1d(one, other, assume_unique=True)) / shorter

    def _grams(self, text: str) -> npt.NDArray[np.uint32]:
        found = self._shingles.get(text)
        if found is None:
            if len(self._shingles) >= _KEPT:
                self._shingles.clear()
            found = self._shingles[text] = shingles([text]).of(0)
        return found

    # By the port ---------------------------------------------------------------------------------

    async def _port(self, sought: Sought, ports: Sequence[Port]) -> Match:
        if not ports:
            return NOTHING
        senders = {port.sender_id for port in ports}
        if len(senders) > 1:
            active = {port.sender_id for port in ports if port.active}
            # One that was given on after cooling: its holder of now, unless both have it.
            senders = active if len(active) == 1 else senders
        if len(senders) > 1:
            return NOTHING
        (sender,) = senders
        mine = [port for port in ports if port.sender_id == sender]
        there = [port for port in mine if port.carrier == sought.carrier] or mine
        accounts = {row["account_id"] for row in await self._sent_from(mine, sought.at)}
        purposes = {int(port.purpose) for port in mine}
        return Match(
            "port",
            None,
            sender,
            accounts.pop() if len(accounts) == 1 else None,
            there[0].id,
            purposes.pop() if len(purposes) == 1 else None,
            "",
            there[0].signature,
        )


def brand_of(text: str) -> str:
    """Return how a text calls its sender, in the brackets at its beginning or end; '' if it does
    not."""
    found = _SIGNED.search(text)
    return "" if found is None else (found[1] or found[2]).strip()


def unsigned(text: str) -> str:
    """Return a text without the brackets in which it names its sender."""
    return _SIGNED.sub("", text).strip()


def _range(at: float) -> tuple[int, int]:
    """Return the batch ids between which lies what a complaint of a time may be about."""
    at = max(at, _FIRST + LOOK_BACK_S)
    return batch_id(int((at - LOOK_BACK_S) * 1000), 0), batch_id(int((at + _LATER_S) * 1000), 0)
