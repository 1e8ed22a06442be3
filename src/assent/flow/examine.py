"""Self-examination: the texts of service and internal ports judged afresh with what holds today.

Every batch of the ports and the time is read, port by port, a page at a time; a text is judged once
for all messages of it, and what variables put in once for each different value. Nothing is changed
and no lock is taken: the platform may run. It belongs in a process of its own all the same, since
screening takes processor time that codes need.

Judged are: the text by today's model, words, links and rules and by what people decided about it
(flow/screening.py), the rules of today's rulebook about texts, ports and segments, and, for
internal ports, whether the receivers stood when it was decided, from the ledger's entries at that
position. What only that moment knew (balance, routes, caps, broken links of the chain) is not
looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.columns import I16, U8, U32, unpack, unpack_object
from assent.flow.evidence_entries import MOST_HISTORY
from assent.flow.examine_texts import Judgements, Said
from assent.flow.examined import Listed, Listing
from assent.flow.fold import message_state
from assent.flow.needs import Queries
from assent.flow.order import Port
from assent.flow.restored import Asked, networks, wills
from assent.flow.segments import values_of
from assent.message import NEEDS_STANDING, Purpose
from assent.numbers import NumberTable
from assent.policy.decide import decide
from assent.policy.facts import PASSED, Content, Facts, People
from assent.policy.reasons import BY_CODE
from assent.policy.rulebook import Rulebook

PURPOSES: Final = (Purpose.INTERNAL, Purpose.NOTIFICATION, Purpose.VERIFICATION)
"""What is examined unless somebody says otherwise: all ports whose texts may offer nothing."""
_PAGE: Final = 100
_OF_TEXT: Final = (
    "wrong_port_purpose", "signature_missing", "signature_wrong", "signature_second",
    "signature_in_value", "internal_commercial", "contact_missing", "refusal_way_missing",
    "basis_missing", "code_word_missing", "code_missing", "codes_several", "too_long",
)  # fmt: skip
"""Rules that need nothing but what is kept with a message."""
_OF_WILL: Final = ("no_standing", "grade_too_low", "refused", "paused")
_WORD: Final = {3: "reject", 2: "hold"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What is examined: a time (`until`: the moment after it), and whose; empty: everybody's.
    `senders`: credit codes; `accounts`: names."""

    since: datetime
    until: datetime
    purposes: frozenset[Purpose] = frozenset(PURPOSES)
    ports: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    def ids(self) -> tuple[int, int]:
        """Return the ids before and behind all batches of the time. Raises InvalidInput."""
        if self.since.tzinfo is None or self.until.tzinfo is None or self.since >= self.until:
            raise InvalidInput(
                "bad_period", "the period has no zone or no length", field="to",
                mend="write times like 2026-11-22T10:00:00+08:00, the earlier first",
            )  # fmt: skip
        low, high = (int(one.timestamp() * 1000) << 11 for one in (self.since, self.until))
        return low - 1, high

    def owners(self, catalogue: Catalogue) -> tuple[list[int], list[int]]:
        """Return the ids of the senders and of the accounts. Raises NotFound."""
        senders = {sender.credit_code: sender.id for sender in catalogue.senders.values()}
        accounts = {account.name: account.id for account in catalogue.accounts.values()}
        if not senders.keys() >= set(self.senders):
            raise NotFound("unknown_sender", "there is no such sender", field="sender")
        if not accounts.keys() >= set(self.accounts):
            raise NotFound("unknown_account", "there is no such account", field="account")
        return [senders[one] for one in self.senders], [accounts[one] for one in self.accounts]


@dataclass(slots=True)
class Examination:
    """What came out. `approved`: messages that screening would stop and that a person approved;
    `videos`: batches whose pictures people saw and nobody screens."""

    scope: Scope
    rulebook: str
    screening: str
    ports: int = 0
    batches: int = 0
    messages: int = 0
    texts: int = 0
    approved: int = 0
    videos: int = 0
    listing: Listing = field(default_factory=Listing)
    first: dict[int, str] = field(default_factory=dict)  # ledger position → a decision at it

    def decided_at(self, position: int, what: str) -> None:
        """Note a decision, if it is among the first by its ledger position."""
        self.first.setdefault(position, what)
        if len(self.first) > 2 * MOST_HISTORY:
            for later in sorted(self.first)[MOST_HISTORY:]:
                del self.first[later]


class Examining:
    """Looks at what went. `judgements` tells what screening says today."""

    def __init__(
        self, queries: Queries, catalogue: Catalogue, rulebook: Rulebook, judgements: Judgements,
        numbers: NumberTable,
    ) -> None:  # fmt: skip
        self._queries = queries
        self._numbers = numbers
        self._catalogue = catalogue
        self._rulebook = rulebook
        self._judgements = judgements
        self._mask = np.uint64(sum(1 << BY_CODE[code].bit for code in _OF_TEXT))

    async def run(
        self, scope: Scope, moved: Callable[[int], None] = lambda messages: None
    ) -> Examination:
        """Examine; `moved` is told how many messages were looked at. It may be cancelled at any
        time: nothing is written. Raises InvalidInput, NotFound for a port, sender or account that
        is not there, and Conflict where there is too much to list."""
        low, high = scope.ids()
        senders, accounts = scope.owners(self._catalogue)
        ports = self._ports(scope, senders)
        digest = await self._judgements.ready()
        out = Examination(scope, self._rulebook.digest.hex(), digest)
        for port in ports:
            out.ports += 1
            last = low
            while rows := await self._queries.fetch(
                "examine_batches", port.id, last, high, accounts, _PAGE
            ):
                last = rows[-1]["id"]
                await self._page(out, port, rows)
                moved(out.messages)
        out.texts = self._judgements.judged
        return out

    def _ports(self, scope: Scope, senders: list[int]) -> list[Port]:
        every = self._catalogue.ports.values()
        if not {port.number for port in every} >= set(scope.ports):
            raise NotFound("unknown_port", "there is no such port", field="port")
        return [
            port
            for port in sorted(every, key=lambda port: port.id)
            if port.purpose in scope.purposes
            and port.sender_id is not None
            and (not scope.ports or port.number in scope.ports)
            and (not senders or port.sender_id in senders)
        ]

    async def _page(self, out: Examination, port: Port, rows: list[Any]) -> None:
        asked = [
            Asked(unpack(row["people"], U32), row["programme_id"], row["group_id"],
                  Purpose(row["purpose"]), row["position"], row["at"].timestamp())
            for row in rows
            if row["purpose"] in NEEDS_STANDING
        ]  # fmt: skip
        will = iter(await wills(self._queries, asked) if asked else ())
        columns = [unpack(row["people"], U32) for row in rows]
        network, _ = await networks(self._queries, self._numbers, np.concatenate(columns))
        ends = np.cumsum([len(column) for column in columns])
        for row, end in zip(rows, ends.tolist(), strict=True):
            facts: dict[str, Any] = {"network": network[end - row["n"] : end]}
            if row["purpose"] in NEEDS_STANDING:
                one = next(will)
                facts |= {"grade": one.grade, "refused": one.refused, "paused": one.paused}
            out.batches += 1
            out.messages += row["n"]
            await self._batch(out, port, row, facts)

    async def _batch(self, out: Examination, port: Port, row: Any, will: Mapping[str, Any]) -> None:
        """Judge a batch; list those of its messages that should not have gone."""
        variables = unpack_object(row["variables"]) if row["variables"] else None
        masks = self._decided(port, row, variables, will)
        said: list[Said] = []
        if row["video_id"] is not None:
            out.videos += 1
            whole, places = None, np.full(row["n"], -1)
        else:
            whole, said, places = await self._judgements.of(port, row, variables)
        out.approved += row["n"] if whole is not None and whole.approved else 0
        stopped = whole is not None and whole.stops
        if not stopped and not masks.any() and not said:
            return
        people, states = unpack(row["people"], U32), _states(row)
        screening = json.loads(row["screening"] or "{}").get("screening", "")
        out.decided_at(row["position"], f"order {row['submission_id']}")
        for mask, place in sorted(set(zip(masks.tolist(), places.tolist(), strict=True))):
            found = [whole] if whole is not None and stopped else []
            found += said[place : place + 1] if place >= 0 else []
            if not mask and not found:
                continue
            slots = np.flatnonzero((masks == mask) & (places == place))
            listed = self._listed(out, port, row, mask, found, variables, int(slots[0]))
            out.listing.take(listed, row, slots, people, states, screening)

    def _listed(
        self, out: Examination, port: Port, row: Any, mask: int, found: list[Said],
        variables: Mapping[str, list[str]] | None, slot: int,
    ) -> Listed:  # fmt: skip
        """Return the row of the list that some messages belong to. (long: its columns)"""
        purpose = Purpose(row["purpose"])
        codes = [code for code in (*_OF_TEXT, *_OF_WILL) if mask >> BY_CODE[code].bit & 1]
        will = [code for code in codes if code in _OF_WILL]
        kind = found[-1].kind if found else "standing" if will == codes else "text"
        digest = self._judgements.digest_of(row, found)
        key = (port.id, row["account_id"], row["sender_id"], kind, mask, digest)

        def make() -> Listed:
            reasons = [reason for one in found for reason in one.reasons] + [
                self._reason(code) for code in codes
            ]
            grave = max(one["grave"] for one in reasons)
            return Listed(
                port.id, row["account_id"], row["sender_id"], purpose, kind, _WORD[grave],
                [{name: value for name, value in one.items() if name != "grave"}
                 for one in reasons],
                found[0].category if found else "", found[0].spam if found else 0.0, digest,
                self._judgements.text(row, variables, slot),
            )  # fmt: skip

        return out.listing.of(key, make)

    def _reason(self, code: str) -> dict[str, Any]:
        reason = BY_CODE[code]
        effect = self._rulebook.default.effects.get(code, reason.effect)
        return {
            "code": code,
            "severity": effect.name.lower(),
            "en": reason.en,
            "zh": reason.zh,
            "rules": list(reason.rules),
            "source": "ledger" if code in _OF_WILL else "rulebook",
            "grave": int(effect),
        }

    def _decided(
        self, port: Port, row: Any, variables: Mapping[str, list[str]] | None,
        will: Mapping[str, Any],
    ) -> npt.NDArray[np.uint64]:  # fmt: skip
        """Return what today's rulebook finds of what can be judged again, a mask a message."""
        n, who = row["n"], unpack(row["people"], U32)
        sender, purpose = self._catalogue.senders[row["sender_id"]], Purpose(row["purpose"])
        template = self._catalogue.templates.get(row["template_id"])
        nothing = np.zeros(n, np.bool_)
        people = People(who, will["network"], unpack(row["zones"], I16),
                        np.zeros(n, np.uint8), nothing)  # fmt: skip
        categories = frozenset(filter(None, (sender.industry,)))
        content = Content(purpose, row["content"], unpack(row["segments"], U8),
                          values_of(variables), categories)  # fmt: skip
        facts = Facts(
            now=row["at"].timestamp(), port_purpose=port.purpose, port_active=True,
            port_free_to_reply=port.free_to_reply, port_signature=port.signature,
            basis_filed=bool(template and template.basis) or row["video_id"] is not None,
            contacts=(sender.contact,) if sender.contact else (), screening=PASSED,
            refused=will.get("refused", nothing), grade=will.get("grade"),
            paused=will.get("paused", nothing), reachable=~nothing,
            price=np.zeros(n, np.int64), balance=0,
            claims={cap.id: np.zeros(n, np.int32) for cap in self._rulebook.caps_for(purpose)},
        )  # fmt: skip
        mask = self._mask
        for code in _OF_WILL if "grade" in will else ():
            mask |= np.uint64(1 << BY_CODE[code].bit)
        found: npt.NDArray[np.uint64] = decide(people, content, facts, self._rulebook).findings
        return found & mask


def _states(row: Any) -> npt.NDArray[np.uint8] | None:
    """Return the state of each message of a batch, None where nothing was folded yet."""
    if row["states"] is None:
        return None
    states, counts = unpack(row["states"], U8), unpack(row["segments"], U8).astype(np.int64)
    if len(states) == row["n"]:
        return states
    ends = np.cumsum(counts)
    return np.array(
        [message_state(states[end - count : end])
         for end, count in zip(ends.tolist(), counts.tolist(), strict=True)], np.uint8,
    )  # fmt: skip
