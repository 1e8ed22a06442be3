"""Everything together: texts in, verdicts with reasons out.

The gravest finding is the verdict. Work is done for a list at once; a text that was screened
before, from such a sender for such a purpose, is looked up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, Self

from assent.message import Purpose
from assent.screen.categories import CATEGORIES
from assent.screen.combined import Combination, combinations
from assent.screen.contacts import Contact, contact_findings, find_contacts
from assent.screen.finding import UNLICENSED, Finding, Sender, Severity, Span
from assent.screen.form import Form, FormRules
from assent.screen.hosts import Hosts
from assent.screen.links import Link, find_links
from assent.screen.model import Model
from assent.screen.normal import Normal, normalise_all
from assent.screen.weighing import PURPOSES, Weighed, Weighing
from assent.screen.words import RuleSet
from assent.text import billing_counts

__all__ = ["RULES", "Screened", "Screener", "Text", "digits_of", "gravest", "rules_document"]

RULES: Final = "rules-2026.1"
"""The packaged rules' name, with their version."""
_KEPT: Final = 100_000
"""Texts whose screening is remembered."""
_PORTION: Final = 2_048
_NO_OFFERS: Final = (Purpose.VERIFICATION, Purpose.NOTIFICATION, Purpose.INTERNAL)
Verdict = Literal["allow", "hold", "reject"]
_VERDICTS: Final[tuple[Verdict, ...]] = ("allow", "hold", "reject")


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be screened. `purpose`: what it was ordered for, None when nobody said. `form`: of
    a finished text, as its receiver sees it, what is known of its port."""

    text: str
    sender: Sender = UNLICENSED
    purpose: Purpose | None = None
    form: Form | None = None


@dataclass(slots=True)
class Screened:
    """What screening says of a text; not to be changed. `purpose`: what it serves, as far as one
    can tell. `probability`: that it is of its category. `segments`: units that Chinese carriers
    charge. `digest`: SHA-256 of the text as it reads, however it was disguised."""

    purpose: Purpose
    category: str
    probability: float
    spam_probability: float
    verdict: Verdict
    findings: tuple[Finding, ...]
    links: tuple[Link, ...]
    contacts: tuple[Contact, ...]
    segments: int
    digest: str


@cache
def rules_document() -> Mapping[str, Any]:
    """Return the packaged rules."""
    path = resources.files("assent").joinpath(f"data/screen/{RULES}.json")
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


@dataclass(slots=True)
class _Seen:
    """What the parts found in a list of texts."""

    normals: Sequence[Normal]
    weighed: Weighed
    category: Any
    purpose: Any
    spam: Any
    words: Sequence[tuple[Finding, ...]]
    links: list[tuple[Link, ...]]
    contacts: list[tuple[Contact, ...]]
    decided: Mapping[int, Sequence[Span]]


@dataclass(slots=True)
class Screener:
    """Screens texts. Remembers what it screened; share one a process."""

    model: Model
    words: RuleSet
    hosts: Hosts
    rules: Mapping[str, Any]
    form: FormRules = field(init=False)
    weighing: Weighing = field(init=False)
    combined: tuple[Combination, ...] = field(init=False)
    digest: str = field(init=False)
    """SHA-256 over the digests of model, words, lists and rules."""
    _kept: dict[Text, Screened] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Prepare the rules. Raises KeyError, ValueError for rules that are none."""
        name = f"rules-{self.rules['version']}"
        self.form = FormRules.from_document(self.rules["form"], name)
        self.weighing = Weighing.from_document(self.rules["kinds"], self.model.version)
        rows, proper = self.rules["combinations"], self.weighing.proper
        self.combined = combinations(rows, name, proper)
        rules = json.dumps(self.rules, sort_keys=True, separators=(",", ":"))
        parts = (self.model.digest, self.words.digest, self.hosts.digest, rules)
        self.digest = _sha256("\n".join(_sha256(str(part)) for part in parts))

    @classmethod
    def packaged(cls) -> Self:
        """Return a screener with the packaged model, words, lists and rules."""
        return cls(Model.packaged(), RuleSet.packaged(), Hosts.packaged(), rules_document())

    def screen(self, texts: Sequence[Text]) -> list[Screened]:
        """Screen texts, in their order. Each different one is judged once."""
        kept = self._kept
        new = [text for text in dict.fromkeys(texts) if text not in kept]
        found: dict[Text, Screened] = {}
        for start in range(0, len(new), _PORTION):
            portion = new[start : start + _PORTION]
            found.update(zip(portion, self._judge(portion), strict=True))
        if len(kept) + len(found) > _KEPT:
            kept.clear()
        answers = [found[text] if text in found else kept[text] for text in texts]
        kept.update(found)
        return answers

    def _contacts(self, contacts: Sequence[Contact], text: Text) -> list[Finding]:
        """Return findings of contacts that are not filed. They hold what was ordered for a purpose
        to which such contacts are strange."""
        name = "none" if text.purpose is None else text.purpose.name.lower()
        strange = self.rules["contacts"][name]
        filed = frozenset(map(digits_of, text.form.contacts)) if text.form else frozenset()
        found = contact_findings(contacts, filed)
        return [
            one if one.code.removeprefix("contact_") in strange else _noted(one) for one in found
        ]

    def explain(self, text: Text) -> dict[str, Any]:
        """Return what each part said of a text, for people who ask why."""
        seen = self._look([text], [text.text])
        normal, likely = seen.normals[0], seen.category[0].argsort()[::-1][:3]
        return {
            "text": text.text,
            "reads": normal.text if normal.text != text.text else "",
            "undone": sorted({evasion[0] for evasion in normal.evasions}),
            "kinds": {CATEGORIES[i].code: round(float(seen.category[0, i]), 3) for i in likely},
            "purposes": {
                one.name.lower(): round(float(seen.purpose[0, place]), 3)
                for place, one in enumerate(PURPOSES)
            },
            "words": [finding.owner for finding in seen.words[0]],
        }

    def _judge(self, texts: Sequence[Text]) -> list[Screened]:
        bodies = [text.text for text in texts]
        seen = self._look(texts, bodies)
        segments = billing_counts(bodies).tolist()
        names = [category.code for category in CATEGORIES]
        best = seen.category.argmax(axis=1)
        likely = seen.category.max(axis=1).tolist()
        serves = seen.purpose.argmax(axis=1).tolist()
        answers = []
        for place, text in enumerate(texts):
            findings = self._findings(place, text, seen)
            answers.append(
                Screened(
                    PURPOSES[serves[place]], names[best[place]], likely[place],
                    float(seen.spam[place]), gravest(findings), findings, seen.links[place],
                    seen.contacts[place],
                    segments[place], _sha256(seen.normals[place].text),
                )
            )  # fmt: skip
        return answers

    def _look(self, texts: Sequence[Text], bodies: list[str]) -> _Seen:
        normals = normalise_all(bodies)
        ordered = [text.purpose for text in texts]
        senders = [text.sender for text in texts]
        kinds = self.model.judge([normal.text for normal in normals])
        weighed = self.weighing.weigh(kinds.category, kinds.purpose, kinds.spam, senders, ordered)
        words = self.words.match(normals, ordered, senders)
        return _Seen(
            normals,
            weighed,
            kinds.category,
            kinds.purpose,
            kinds.spam,
            words,
            [find_links(normal, body) for normal, body in zip(normals, bodies, strict=True)],
            [find_contacts(normal) for normal in normals],
            self._decided(normals, weighed, words),
        )

    def _decided(
        self, normals: Sequence[Normal], weighed: Weighed, words: Sequence[tuple[Finding, ...]]
    ) -> dict[int, Sequence[Span]]:
        """Return where stands what decided the kinds of the texts that are held for them: what
        rules of words found, else what spoke most in the model."""
        decided: dict[int, Sequence[Span]] = {}
        places = []
        for place in weighed.hold.nonzero()[0].tolist():
            grave = [f.spans for f in words[place] if f.severity > Severity.NOTE]
            if grave:
                decided[place] = sorted({span for spans in grave for span in spans})
            else:
                places.append(place)
        said = self.model.explain_all(
            [normals[place].text for place in places],
            [CATEGORIES[weighed.barred[place]].code for place in places],
        )
        for place, found in zip(places, said, strict=True):
            decided[place] = [normals[place].span(start, end) for start, end in found]
        return decided

    def _findings(self, place: int, text: Text, seen: _Seen) -> tuple[Finding, ...]:
        """Return all findings of one text, the gravest first."""
        links, contacts, weighed = seen.links[place], seen.contacts[place], seen.weighed
        found = [*seen.words[place]]
        for combination in self.combined:
            one = combination.find(seen.normals[place], text.sender.licences)
            if one is not None:
                found.append(one)
        if links:
            found += self.hosts.judge(links, text.sender)
        if contacts:
            found += self._contacts(contacts, text)
        found += self.form.check(text.text, text.purpose, text.form, _foreign(links, text.sender))
        column = int(weighed.barred[place])
        held = bool(weighed.hold[place])
        spoken = held and self.weighing.speaks_of(column, seen.normals[place].text)
        if spoken:
            signed = bool(links or contacts) or any(f.severity > Severity.NOTE for f in found)
            how = Severity.REJECT if weighed.sure[place] and signed else Severity.HOLD
            kind = self.weighing.kind(column, how, seen.decided[place])
            found = [one for one in found if one.code != kind.code]  # the model's says more
            found.append(kind)
        # Unwanted, and not what it was taken for: an offer, if it was ordered for something else.
        unplaced = held and not spoken and text.purpose in _NO_OFFERS
        if (
            unplaced
            or weighed.differs[place]
            or (weighed.may_differ[place] and self.form.offers(seen.normals[place].text))
        ):
            found.append(self.weighing.drift())
        if len(found) > 1:
            found.sort(key=_gravity)
        return tuple(found)


def digits_of(number: str) -> str:
    """Return a filed number as contacts are compared: its digits."""
    return "".join(char for char in number if char.isdigit()) or number.lower()


def _noted(finding: Finding) -> Finding:
    return (
        finding if finding.severity is Severity.NOTE else replace(finding, severity=Severity.NOTE)
    )


def gravest(findings: Sequence[Finding]) -> Verdict:
    """Return the verdict that findings come to."""
    return _VERDICTS[max((f.severity for f in findings), default=Severity.NOTE)]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _gravity(finding: Finding) -> int:
    return -finding.severity


def _foreign(links: Sequence[Link], sender: Sender) -> list[Span]:
    """Return where links stand to hosts that are not filed for the sender."""
    return [link.span for link in links if link.host and link.host not in sender.hosts]
