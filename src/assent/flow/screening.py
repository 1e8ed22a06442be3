"""Where the texts of orders stand with screening: in memory, a look-up an order.

A text that was approved as a template passes by its id. A free text is screened when it is seen
for the first time, in a thread of its own, and looked up from then on. What variables put in is
looked at once for each different value. What is held or turned down becomes a `text_review`
(text_reviews.py), which all processes follow over the channel `texts`.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.flow.needs import Queries, Store
from assent.flow.order import Order, Port
from assent.flow.render import Rendering
from assent.flow.screen_senders import Senders
from assent.flow.screened import Form, Screened, Screens, Text
from assent.flow.text_cases import (
    ALLOWED,
    Case,
    Looked,
    blocking,
    digest_of,
    only,
    screened_of,
    severity_of,
)
from assent.flow.text_values import free_variables, suspicious
from assent.flow.vault import Vault
from assent.message import Purpose
from assent.policy.facts import Mask, Screening
from assent.screen.finding import Severity

CHANNEL: Final = "texts"
MOST: Final = 50_000
"""Texts that a process remembers."""
_EXAMPLES: Final = 3
_NEVER: Final = math.inf


_APPROVED: Final = Looked(record='{"state": "template"}')
"""A template that a person approved: what screening says of it now is looked at elsewhere."""
_Key = tuple[int, int, str]


@dataclass(slots=True)
class _Memory:
    """Texts and values that were looked at."""

    texts: dict[_Key, Looked] = field(default_factory=dict)
    fine: set[tuple[int, str]] = field(default_factory=set)  # hash of a text, what is put in

    def forget(self) -> None:
        self.texts.clear()
        self.fine.clear()


class Texts:
    """Looks texts up, and screens those that are new. `sender_of` of :class:`Senders` tells who
    they are from."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        senders: Senders,
        load: Callable[[], Screens] | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self.senders = senders
        self.screens: Screens | None = None
        self._load = load
        self._loading = asyncio.Lock()
        self._memory = _Memory()
        self._categories: dict[int, str] = {}  # of templates, as they were screened last
        self._templates: dict[int, Looked] = {}  # only those that are not in order any more
        self.loaded: Callable[[], None] = lambda: None
        self.screened = 0
        self.looked_up = 0

    @property
    def on(self) -> bool:
        """Whether texts are screened here at all."""
        return self.screens is not None or self._load is not None

    async def ready(self) -> Screens | None:
        """Return what texts are screened with, read at the first call; None: they are not."""
        if self.screens is None and self._load is not None:
            async with self._loading:
                if self.screens is None:
                    self.use(await asyncio.to_thread(self._load))
                    self.loaded()
        return self.screens

    def use(self, screens: Screens) -> None:
        """Screen with another set of models, words and lists from now on."""
        self.screens = screens
        self._memory.forget()

    def forget(self, payload: str = "") -> None:
        """A text was kept or decided about somewhere (its number; '': anything): look again."""
        if not payload:
            self._memory.forget()
            return
        review, texts = int(payload), self._memory.texts
        for key in [key for key, looked in texts.items() if looked.rests_on(review)]:
            del texts[key]

    def kept(self, order: Order, looked: Looked, cases: tuple[Case, ...]) -> None:
        """Remember the numbers under which an order's text was kept."""
        for case in cases:
            if case.kind == "text":
                self._memory.texts[order.sender.id, int(order.purpose), case.text] = replace(
                    looked, cases=cases
                )

    async def follow_templates(self) -> None:
        """Read which templates in use are held or refused since they were approved."""
        stopped: dict[int, Looked] = {}
        for row in await self._store.fetch("templates_stopped"):
            state = "held" if row["state"] == "held" else "rejected"
            if state == "held" and row["purpose"] == Purpose.VERIFICATION:
                continue  # codes go on until a person says no
            case = Case("template", state, "", screened_of(row), bytes(row["digest"]), row["id"])
            facts = Screening(held=state == "held", rejected=state == "rejected")
            record = self._record(state, row["id"])
            stopped[row["template_id"]] = Looked(facts, (case,), record)
        self._templates = stopped
        rows = await self._store.fetch("templates_categories")
        self._categories = {row["template_id"]: row["category"] for row in rows}

    # An order ----------------------------------------------------------------------------------

    def known(self, order: Order, text: str) -> Looked | None:
        """Return where an order's text stands if that needs no work: one look-up."""
        if order.purpose is Purpose.SYSTEM or order.video is not None or not self.on:
            return ALLOWED
        if order.template_id:
            return self._templates.get(order.template_id, _APPROVED)
        looked = self._memory.texts.get((order.sender.id, int(order.purpose), text))
        if looked is None or self._clock.now() >= looked.until:
            return None
        if looked.sender != self.senders.of(order.sender, self._clock.now()):
            return None  # its licences or hosts are others by now
        self.looked_up += 1
        return looked

    async def of(self, order: Order, port: Port, text: str) -> Looked:
        """Return where an order's text stands, screened now if it was never seen."""
        looked = self.known(order, text)
        if looked is None:
            looked = await self._look(order, port, text)
        if order.variables and looked.record is not None and not looked.whole:
            looked = await self._values(order, port, text, looked)
        return looked

    async def _look(self, order: Order, port: Port, text: str) -> Looked:
        (screened,) = await self.screen([self._text(order, port, text)])
        sender = self.senders.of(order.sender, self._clock.now())
        digest = self.digest("text", screened.digest)
        case = Case("text", "", text, screened, digest)
        looked = await self._standing(order, case, severity_of(screened))
        looked = replace(looked, base=screened, sender=sender)
        texts = self._memory.texts
        if len(texts) >= MOST:  # the oldest half; whoever comes again is screened again
            for key in list(texts)[: MOST // 2]:
                del texts[key]
        texts[order.sender.id, int(order.purpose), text] = looked
        return looked

    async def _standing(self, order: Order, case: Case, found: Severity) -> Looked:
        """Return where a text stands by what screening found and by what people decided."""
        state, review, until = await self.standing(
            self._store, order.sender.id, order.purpose, case.digest, found
        )
        if state == "allowed":
            record = self._record("approved" if review else "allowed", review)
            return Looked(record=record, until=until, review=review)
        facts = Screening(held=state == "held", rejected=state == "rejected")
        case = replace(case, state=state, review=review)
        return Looked(facts, (case,), self._record(state, review))

    async def standing(
        self, queries: Queries, sender: int, purpose: Purpose, digest: bytes, found: Severity
    ) -> tuple[str, int, float]:
        """Return `allowed`, `held` or `rejected` for a text, the review it rests on (0: none) and
        until when. An approval holds while it has not ended and nothing graver is found; what a
        person refused stays refused; what only screening refused is judged by what it finds now."""
        state = {Severity.NOTE: "allowed", Severity.HOLD: "held"}.get(found, "rejected")
        row = await queries.fetchrow("text_review_standing", sender, int(purpose), digest)
        if row is None:
            return state, 0, _NEVER
        if row["state"] == "approved":
            until = row["expires_at"].timestamp()
            if found is Severity.NOTE:
                return state, 0, _NEVER
            if self._clock.now() < until and found <= row["approved_verdict"]:
                return "allowed", row["id"], until
            return state, 0, _NEVER  # a new decision is needed, which has the same number
        if row["state"] == "held":
            return ("rejected" if found is Severity.REJECT else "held"), row["id"], _NEVER
        if row["decided_at"] is not None:
            return "rejected", row["id"], _NEVER
        return state, row["id"] if state == "rejected" else 0, _NEVER

    def category(self, order: Order, looked: Looked) -> str:
        """Return what screening says that an order's text is, '' where it was not asked."""
        if looked.base is not None:
            return looked.base.category
        return self._categories.get(order.template_id, "")

    # What variables put in ---------------------------------------------------------------------

    async def _values(self, order: Order, port: Port, text: str, looked: Looked) -> Looked:
        """Look at what is put into a text: each different value once."""
        names = free_variables(order, self.senders.templates)
        if not names or order.variables is None:
            return looked
        columns = [order.variables[name] for name in names]
        joined = columns[0] if len(columns) == 1 else ["\x1f".join(c) for c in zip(*columns)]  # noqa: B905  # equally long
        mark, fine = hash((order.sender.id, text)), self._memory.fine
        doubtful = [one for one in suspicious(joined) if (mark, one) not in fine]
        if not doubtful:
            return looked
        first = {one: place for place, one in reversed(list(enumerate(joined)))}
        rendered = Rendering(text, order.variables).some([first[one] for one in doubtful])
        base, found = await self._rendered(self._text(order, port, text), doubtful, rendered)
        bad: dict[frozenset[str], list[int]] = defaultdict(list)
        for place, screened in enumerate(found):
            new = blocking(screened) - blocking(base)
            if new:
                bad[new].append(place)
            elif len(fine) < MOST:
                fine.add((mark, doubtful[place]))
        if not bad:
            return looked
        return await self._bad_values(order, looked, base, bad, (joined, doubtful, rendered, found))

    async def _bad_values(
        self,
        order: Order,
        looked: Looked,
        base: Screened,
        bad: dict[frozenset[str], list[int]],
        what: tuple[Sequence[str], list[str], list[str], Sequence[Screened]],
    ) -> Looked:
        """Hold or reject those into whose texts something was put: one case for all texts with the
        same findings, so that a list of ten thousand names is one case and not ten thousand."""
        joined, doubtful, rendered, found = what
        held: set[str] = set()
        rejected: set[str] = set()
        cases: list[Case] = []
        for codes, places in bad.items():
            worst = max((found[place] for place in places), key=severity_of)
            digest = self.digest("values", base.digest, *sorted(codes))
            example = "\n".join(rendered[place] for place in places[:_EXAMPLES])
            case = Case("values", "", example, only(worst, codes), digest)
            one = await self._standing(order, case, severity_of(case.screened))
            if not one.cases:
                continue
            cases.extend(one.cases)
            stopped = held if one.cases[0].state == "held" else rejected
            stopped.update(doubtful[place] for place in places)
        facts = Screening(_mask(joined, held), _mask(joined, rejected))
        return replace(looked, facts=facts, cases=tuple(cases), record=self._record("values"))

    # Parts -------------------------------------------------------------------------------------

    async def screen(self, texts: Sequence[Text]) -> Sequence[Screened]:
        """Screen texts in a thread, so that codes do not wait for it."""
        screens = await self.ready()
        assert screens is not None, "nobody asks without"
        self.screened += len(texts)
        return await asyncio.to_thread(screens.screen, texts)

    async def _rendered(
        self, template: Text, values: Sequence[str], texts: Sequence[str]
    ) -> tuple[Screened, Sequence[Screened]]:
        """Return what is found in a text as it was ordered, and in what came of it."""
        screens = await self.ready()
        assert screens is not None, "nobody asks without"
        self.screened += len(texts)

        def work() -> tuple[Screened, Sequence[Screened]]:
            return screens.screen([template])[0], screens.rendered(template, values, texts)

        return await asyncio.to_thread(work)

    def _text(self, order: Order, port: Port, text: str) -> Text:
        contacts = (order.sender.contact,) if order.sender.contact else ()
        sender = self.senders.of(order.sender, self._clock.now())
        return Text(text, sender, order.purpose, Form(port.signature, contacts))

    def digest(self, kind: str, *parts: str) -> bytes:
        """Return what a text is reviewed by: nobody without the vault's key can try texts."""
        return self._vault.digest("\x1f".join(parts), f"text_review.{kind}")

    def _record(self, state: str, review: int = 0) -> str:
        told: dict[str, Any] = {"screening": digest_of(self.screens).hex(), "state": state}
        return json.dumps(told | ({"reviews": [review]} if review else {}))


def _mask(joined: Sequence[str], stopped: set[str]) -> Mask:
    if not stopped:
        return False
    return np.fromiter((one in stopped for one in joined), np.bool_, len(joined))
