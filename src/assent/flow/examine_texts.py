"""What screening and people say today of texts that went: each text once, each value once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries
from assent.flow.order import Port
from assent.flow.render import Rendering
from assent.flow.screened import Form, Screened, Text
from assent.flow.screening import Texts
from assent.flow.text_cases import blocking, finding_told, only, severity_of
from assent.flow.text_values import SEPARATOR, free_names, suspicious
from assent.message import Purpose
from assent.screen.finding import Severity

_MOST: Final = 50_000
"""Texts and values that are remembered; the oldest half goes, and is judged again if it comes."""
_REVIEWED: Final[Mapping[str, dict[str, Any]]] = {
    "rejected": {
        "code": "text_rejected", "severity": "reject", "rules": ["CN-06"], "source": "review",
        "en": "a reviewer turned this text down", "zh": "审核人员未通过该文本", "grave": 3,
    },
    "held": {
        "code": "text_held", "severity": "hold", "rules": ["CN-06"], "source": "review",
        "en": "this text waits for a reviewer", "zh": "该文本待人工审核", "grave": 2,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a text, or of what variables put into one. `state`: `allowed`, `held`,
    `rejected`; `approved`: it would be stopped, but that a person approved it."""

    kind: str
    state: str
    approved: bool
    reasons: tuple[Mapping[str, Any], ...]
    category: str
    spam: float
    digest: bytes
    screened: Screened

    @property
    def stops(self) -> bool:
        """Whether it should not have gone as it was."""
        return self.state != "allowed"


class Judgements:
    """Asks screening through `texts`, which is not shared with a platform that runs."""

    def __init__(self, queries: Queries, catalogue: Catalogue, texts: Texts, now: float) -> None:
        self._queries = queries
        self._catalogue = catalogue
        self._texts = texts
        self._now = now
        self._whole: dict[tuple[Any, ...], Said] = {}
        self._values: dict[tuple[Any, ...], Said | None] = {}
        self._approved: dict[int, Severity] = {}
        self.judged = 0

    async def ready(self) -> str:
        """Read models, words and lists; return the digest of what texts are judged with."""
        screens = await self._texts.ready()
        assert screens is not None, "nobody examines without"
        for row in await self._queries.fetch("templates_approved"):
            self._approved[row["template_id"]] = Severity(row["verdict"])
        return screens.digest

    async def of(
        self, port: Port, row: Any, variables: Mapping[str, list[str]] | None
    ) -> tuple[Said, list[Said], npt.NDArray[np.intp]]:
        """Return what is said of a batch's text, and of what is put into it: different cases, and
        for each message the place of its own, -1 for none."""
        whole = await self.whole(port.signature, row)
        places = np.full(row["n"], -1)
        if not variables or whole.stops:
            return whole, [], places
        template = self._catalogue.templates.get(row["template_id"])
        names = free_names(variables, template)
        if not names:
            return whole, [], places
        joined = [SEPARATOR.join(one) for one in zip(*(variables[n] for n in names), strict=True)]
        found = await self._put_in(port, row, variables, whole, joined)
        cases: list[Said] = []
        for place, value in enumerate(joined):
            said = found.get(value)
            if said is not None:
                if said not in cases:
                    cases.append(said)
                places[place] = cases.index(said)
        return whole, cases, places

    def digest_of(self, row: Any, found: Sequence[Said]) -> bytes:
        """Return what names a text: without the vault nobody can try texts against it."""
        if found:
            return found[-1].digest
        plain = sha256(row["content"].encode("utf-8", "surrogatepass")).hexdigest()
        return self._texts.digest("examined", plain)

    @staticmethod
    def text(row: Any, variables: Mapping[str, list[str]] | None, slot: int) -> str:
        """Return the text of one message as its receiver saw it."""
        return Rendering(row["content"], variables).text(slot)

    # Parts -------------------------------------------------------------------------------------

    def _asked(self, signature: str, row: Any) -> Text:
        sender = self._catalogue.senders[row["sender_id"]]
        contacts = (sender.contact,) if sender.contact else ()
        known = self._texts.senders.of(sender, self._now)
        return Text(row["content"], known, Purpose(row["purpose"]), Form(signature, contacts))

    async def whole(self, signature: str, row: Any) -> Said:
        """Return what is said of a text by itself. `row`: sender_id, purpose, template_id and
        content of a batch, or of what was to be one."""
        key = (row["sender_id"], row["purpose"], row["template_id"], signature, row["content"])
        said = self._whole.get(key)
        if said is None:
            (screened,) = await self._texts.screen([self._asked(signature, row)])
            self.judged += 1
            digest = self._texts.digest("text", screened.digest)
            said = await self._said("text", row, screened, digest)
            _keep(self._whole, key, said)
        return said

    async def _said(self, kind: str, row: Any, screened: Screened, digest: bytes) -> Said:
        """Return where a text stands: by what screening finds and by what people decided."""
        found, template = severity_of(screened), row["template_id"]
        if template and kind == "text":
            approved = self._approved.get(template, Severity.NOTE)
            state = "allowed" if found <= approved else _STATE[found]
            review = 0
        else:
            state, review, _ = await self._texts.standing(
                self._queries, row["sender_id"], Purpose(row["purpose"]), digest, found
            )
        reasons = [
            {**finding_told(one), "rules": [], "source": "screening", "grave": _GRAVE[one.severity]}
            for one in screened.findings
            if one.severity > Severity.NOTE
        ]
        if review and state in _REVIEWED and state != _STATE[found]:
            reasons.append(dict(_REVIEWED[state]))
        return Said(
            kind, state, state == "allowed" and found > Severity.NOTE, tuple(reasons),
            screened.category, screened.spam_probability, digest, screened,
        )  # fmt: skip

    async def _put_in(
        self, port: Port, row: Any, variables: Mapping[str, list[str]], whole: Said,
        joined: Sequence[str],
    ) -> Mapping[str, Said]:  # fmt: skip
        """Return what is said of the values that should not have been put in. (long: the steps of
        Texts, without an order)"""
        doubtful = list(suspicious(joined))
        mark = (row["sender_id"], row["purpose"], row["template_id"], whole.digest)
        new = [one for one in doubtful if (mark, one) not in self._values]
        if new:
            first = {one: place for place, one in reversed(list(enumerate(joined)))}
            texts = Rendering(row["content"], variables).some([first[one] for one in new])
            screens = await self._texts.ready()
            assert screens is not None, "nobody examines without"
            template = self._asked(port.signature, row)
            found = screens.rendered(template, new, texts)
            self.judged += len(new)
            by_codes: dict[frozenset[str], list[int]] = defaultdict(list)
            for place, screened in enumerate(found):
                by_codes[blocking(screened) - blocking(whole.screened)].append(place)
            for codes, places in by_codes.items():
                said = None
                if codes:
                    worst = max((found[place] for place in places), key=severity_of)
                    digest = self._texts.digest("values", whole.screened.digest, *sorted(codes))
                    said = await self._said("values", row, only(worst, codes), digest)
                for place in places:
                    _keep(self._values, (mark, new[place]), said)
        kept = {one: self._values.get((mark, one)) for one in doubtful}
        return {one: said for one, said in kept.items() if said is not None and said.stops}


_STATE: Final = {Severity.NOTE: "allowed", Severity.HOLD: "held", Severity.REJECT: "rejected"}
_GRAVE: Final = {Severity.HOLD: 2, Severity.REJECT: 3}


def _keep(memory: dict[Any, Any], key: Any, value: Any) -> None:
    if len(memory) >= _MOST:
        for old in list(memory)[: _MOST // 2]:
            del memory[old]
    memory[key] = value
