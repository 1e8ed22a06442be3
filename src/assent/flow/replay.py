"""Replay: the decisions of a past time taken again, as they were and as they would be.

Each stored decision is first held against the same rules run again on the facts that are kept: the
promise that decisions replay to the same result. Then what another rulebook, or other models and
words, would have decided is worked out (:mod:`assent.policy.again`), and what differs is counted.
Everything is read a page at a time and nothing is written.

What is not kept, and so taken from the decision itself: faults of numbers, routes, broken links of
the chain, counting through numbers, restrictions and balances. Whether they would have changed with
a changed course of events (money that was not spent, people who would have refused) nobody can
know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from assent.flow.catalogue import Catalogue
from assent.flow.examine import Scope
from assent.flow.needs import Queries
from assent.flow.replay_claims import Claimed
from assent.flow.replay_judge import Bits, Judge
from assent.flow.replay_parts import Part, parts_of
from assent.flow.replay_tally import ALLOW, DEFER, UNKNOWN, Checked, Labels, Numbers, Transitions
from assent.flow.replay_texts import Rescreened
from assent.flow.replay_together import together
from assent.message import Purpose
from assent.numbers import NumberTable
from assent.policy.again import changed, mask_of, merged, weigh
from assent.policy.decide import Verdict
from assent.policy.reasons import REASONS
from assent.policy.rulebook import Rulebook

PURPOSES: Final = frozenset(
    {Purpose.VERIFICATION, Purpose.NOTIFICATION, Purpose.MARKETING, Purpose.INTERNAL}
)
_PAGE: Final = 200
_DEFERRALS: Final = mask_of(("quiet_hours", "not_before", "restricted_until"))
_CAPS: Final = frozenset({"over_cap", "over_cap_all"})
_TEXTS: Final = frozenset({"text_held", "text_rejected"})
_SLACK_S: Final = 1.0
_LABEL: Final = np.array([ALLOW, 2, 3], np.uint8)  # of Verdict


@dataclass(slots=True)
class Replayed:
    """What came out. `rulebooks`, `number_tables`: digest → decisions taken with it."""

    scope: Scope
    orders: int = 0
    decisions: int = 0
    rulebooks: Counter[str] = field(default_factory=Counter)
    number_tables: Counter[str] = field(default_factory=Counter)
    checked: Checked = field(default_factory=Checked)
    transitions: Transitions = field(default_factory=Transitions)


class Replay:
    """Takes decisions again. `rulebooks`: those that are kept, by digest (hexadecimal); `new`: the
    one that is tried, which may be the same; `texts`: what texts are screened with anew, None where
    what was found in them then is to stay."""

    def __init__(
        self, queries: Queries, catalogue: Catalogue, numbers: NumberTable,
        rulebooks: Mapping[str, Rulebook], new: Rulebook, texts: Rescreened | None = None,
    ) -> None:  # fmt: skip
        self._queries = queries
        self._catalogue = catalogue
        self._numbers = numbers
        self._rulebooks = rulebooks
        self._new = new
        self._texts = texts
        self._judge = Judge(catalogue)
        self._changed: dict[tuple[str, Purpose], frozenset[str]] = {}
        self._claimed: Claimed | None = None

    async def run(
        self, scope: Scope, moved: Callable[[int], None] = lambda decisions: None
    ) -> Replayed:
        """Replay a time; `moved` is told how many decisions were looked at. Raises InvalidInput,
        and NotFound for a sender or account that is not there."""
        last, high = scope.ids()
        senders, accounts = scope.owners(self._catalogue)
        out = Replayed(scope)
        purposes = sorted(int(one) for one in scope.purposes)
        if any(old.caps != self._new.caps for old in self._rulebooks.values()):
            self._claimed = Claimed(self._queries, self._new)
            await self._claimed.before(last)
        if self._texts is not None:
            await self._texts.ready()
        while rows := await self._queries.fetch(
            "replay_submissions", last, high, purposes, senders, accounts, _PAGE
        ):
            last = rows[-1]["id"]
            out.orders += len(rows)
            parts = await parts_of(self._queries, self._numbers, rows)
            if self._texts is not None:
                await self._texts.read(parts)
            if self._texts is None and self._claimed is None:
                parts = together(parts, [self._new, *self._rulebooks.values()])
            for part in parts:
                await self._part(out, part)
            moved(out.decisions)
        return out

    async def _part(self, out: Replayed, part: Part) -> None:
        digest = part.order["rulebook"]
        out.decisions += part.n
        out.rulebooks[digest] += part.n
        out.number_tables[part.order["numbers"]] += part.n
        old = self._rulebooks.get(digest)
        start = self._judge.start(part, old)
        self._check(out.checked, part, old, start)
        before = self._then(part, old)
        after = await self._now(out, part, old, start, before)
        if self._claimed is not None and part.batch is not None:
            self._claimed.take(part, after[0] <= DEFER)
        out.transitions.take(part, before, after, await self._where(part))

    # As it was ---------------------------------------------------------------------------------

    def _check(
        self, checked: Checked, part: Part, old: Rulebook | None, start: float | None
    ) -> None:
        """Hold what is stored against the same rules run again."""
        checked.people += part.n
        if old is None:
            checked.unknown["rulebook"] += part.n
            return
        if part.batch is None:
            checked.unknown["text"] += part.n
            return
        relations = self._judge.relations(part, old)
        found, known, _ = self._judge.again(part, old, relations, start)
        if part.allowed:  # what put them off is not kept
            known &= ~_DEFERRALS
        odd = (found ^ part.recorded) & known
        if not part.allowed:
            again = weigh(part.recorded, old.profile_of(part.columns), old)[1]
            wrong = np.flatnonzero((again != part.reason) & ~part.erased)
            if len(wrong):
                checked.differs("precedence", part, wrong)
        present = int(np.bitwise_or.reduce(odd)) if len(odd) else 0
        for reason in REASONS if present else ():
            if present >> reason.bit & 1:
                checked.differs(reason.code, part, np.flatnonzero(odd & mask_of([reason.code])))
        gone = int(part.erased.sum())
        if gone:
            checked.unknown["number"] += gone
        if not part.allowed and part.batch["variables"]:
            checked.unknown["values"] += part.n - gone
        checked.same += int(((odd == 0) & ~part.erased).sum())

    def _then(self, part: Part, old: Rulebook | None) -> tuple[Labels, Numbers]:
        """Return the outcome that is stored."""
        if part.allowed:
            labels = np.full(part.n, DEFER if _later(part) else ALLOW, np.uint8)
            return labels, np.zeros(part.n, np.uint16)
        places = 0 if old is None else old.profile_of(part.columns)
        verdict, _ = weigh(part.recorded, places, old)
        return _LABEL[verdict], part.reason

    # As it would be ----------------------------------------------------------------------------

    async def _now(
        self, out: Replayed, part: Part, old: Rulebook | None, start: float | None,
        before: tuple[Labels, Numbers],
    ) -> tuple[Labels, Numbers]:  # fmt: skip
        """Return the outcome under the new rulebook and models. (long: the steps in their order)"""
        digest = part.order["rulebook"]
        codes = self._changed.get((digest, part.purpose))
        if codes is None:
            codes = changed(old, self._new, part.purpose)
            self._changed[digest, part.purpose] = codes
        if not codes and digest == self._new.digest.hex() and self._texts is None:
            return before
        again = np.zeros(part.n, np.uint64)
        known: Bits = np.zeros(part.n, np.uint64)
        leave = None
        if part.batch is not None and codes:
            claims = None
            if codes & _CAPS and self._claimed is not None:
                claims = self._claimed.of(part)
            relations = self._judge.relations(part, old)
            again, known, leave = self._judge.again(part, self._new, relations, start, claims)
        if self._texts is not None:
            found, sure = await self._texts.bits(part)
            again, known = merged(again, found, _TEXTS), merged(known, sure, _TEXTS)
            codes |= _TEXTS
        wanted = mask_of(codes)
        findings = merged(part.recorded, again & known, codes)
        places = self._new.profile_of(part.columns)
        verdict, reason = weigh(findings, places, self._new)
        labels = _LABEL[verdict]
        if "quiet_hours" in codes and leave is not None:
            at = part.order["at"].timestamp()
            labels[(labels == ALLOW) & (leave > at + _SLACK_S)] = DEFER
        else:
            late = (part.recorded & _DEFERRALS) != 0
            labels[(labels == ALLOW) & (late | (part.allowed and _later(part)))] = DEFER
        reason[labels <= DEFER] = 0
        lacking = ((wanted & ~known) != 0) & (verdict != Verdict.REJECT)
        if lacking.any():
            labels[lacking], reason[lacking] = UNKNOWN, 0
            unknown = int(np.bitwise_or.reduce((wanted & ~known)[lacking]))
            out.transitions.unknown[_why(part, unknown)] += int(lacking.sum())
        return labels, reason

    async def _where(self, part: Part) -> Mapping[str, str]:
        catalogue, batch = self._catalogue, part.batch
        category = "" if batch is None else batch["category"]
        if not category and self._texts is not None:
            category = await self._texts.category(part)
        return {
            "purpose": part.purpose.name.lower(),
            "sender": catalogue.senders[part.order["sender_id"]].credit_code,
            "account": catalogue.accounts[part.order["account_id"]].name,
            "port": "" if batch is None else catalogue.ports[batch["port_id"]].number,
            "category": category,
        }


def _why(part: Part, lacking: int) -> str:
    """Return what is not kept, so that some bits are not known."""
    if part.batch is None:
        return "text"
    if lacking & int(mask_of(["probing"])):
        return "numbers_asked"
    if lacking == int(mask_of(["grade_too_low"])):
        return "relation"
    return "number" if part.erased.any() else "values"


def _later(part: Part) -> bool:
    batch = part.batch
    assert batch is not None
    late: float = batch["not_before"].timestamp() - part.order["at"].timestamp()
    return late > _SLACK_S
