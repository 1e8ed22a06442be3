"""What stands in the way of an order's text, and how it is told and kept."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from assent.flow.screened import Screened, Screens
from assent.message import Purpose
from assent.policy.facts import PASSED, Screening
from assent.screen.finding import Finding, Sender, Severity

_VERDICT: Final = {"allow": Severity.NOTE, "hold": Severity.HOLD, "reject": Severity.REJECT}
_NEVER: Final = math.inf


def severity_of(screened: Screened) -> Severity:
    """Return the gravity of a verdict."""
    return _VERDICT[screened.verdict]


def blocking(screened: Screened) -> frozenset[str]:
    """Return the codes of findings that hold or reject."""
    return frozenset(one.code for one in screened.findings if one.severity > Severity.NOTE)


@dataclass(frozen=True, slots=True)
class Case:
    """A text that stands in the way of an order. `kind`: `text`, `values` (what variables put into
    one that is in order itself) or `template`. `digest`: what it is reviewed by. `review`: the
    number of that, 0 while nobody keeps it. `state`: `held` or `rejected`."""

    kind: str
    state: str
    text: str
    screened: Screened
    digest: bytes
    review: int = 0

    def told(self) -> dict[str, Any]:
        """Return it for the customer."""
        found = [one for one in self.screened.findings if one.severity > Severity.NOTE]
        return {
            "state": self.state,
            "review": str(self.review) if self.review else None,
            "findings": [{"code": one.code, "en": one.en, "zh": one.zh} for one in found],
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """Where the text of an order stands. `facts`: for the decision. `cases`: what is in the way.
    `record`: kept with the decision. `base`: what was found in the text as it was ordered, if that
    was asked. `review`: the approval that it rests on, 0 for none; `until`: when that ends."""

    facts: Screening = PASSED
    cases: tuple[Case, ...] = ()
    record: str | None = None
    base: Screened | None = None
    sender: Sender | None = None
    until: float = _NEVER
    review: int = 0

    def rests_on(self, review: int) -> bool:
        """Tell whether a decision about a review may change this; what is held and was never kept
        may have been kept by another process."""
        return self.review == review or any(case.review in (0, review) for case in self.cases)

    @property
    def whole(self) -> bool:
        """Whether the text itself is held or rejected, and not what variables put in."""
        return any(case.kind != "values" for case in self.cases)


ALLOWED: Final = Looked()
"""Nothing to look at: the platform's own words, and what people look at frame by frame."""


def screened_of(row: Any) -> Screened:
    """Return what was found in a text as it is kept with its review."""
    findings = tuple(
        Finding(
            one["code"], Severity[one["severity"].upper()], one["en"], one["zh"],
            tuple((start, end) for start, end in one["spans"]), one["owner"],
        )
        for one in json.loads(row["findings"])
    )  # fmt: skip
    verdict: Any = next(word for word, grave in _VERDICT.items() if grave == row["verdict"])
    spam = float(row["spam"])
    purpose = Purpose(row["purpose"])
    return Screened(purpose, row["category"], 0.0, spam, verdict, findings, (), (), 0, "")


def record_of(looked: Looked, cases: Sequence[Case]) -> str | None:
    """Return what is kept with a decision: with the numbers of what was in the way."""
    if looked.record is None:
        return None
    reviews = [case.review for case in cases if case.review]
    return json.dumps(json.loads(looked.record) | ({"reviews": reviews} if reviews else {}))


def digest_of(screens: Screens | None) -> bytes:
    """Return 32 octets that name what screening is done with."""
    return hashlib.sha256((screens.digest if screens else "").encode()).digest()


def only(screened: Screened, codes: frozenset[str]) -> Screened:
    """Return what was found in a text without what its template brings itself."""
    kept = tuple(
        one for one in screened.findings if one.severity is Severity.NOTE or one.code in codes
    )
    worst = max((one.severity for one in kept), default=Severity.NOTE)
    word: Any = next(word for word, severity in _VERDICT.items() if severity is worst)
    return replace(screened, findings=kept, verdict=word)


def finding_told(one: Finding) -> dict[str, Any]:
    """Return a finding as it is kept and shown to reviewers."""
    return {
        "code": one.code,
        "severity": one.severity.name.lower(),
        "spans": [list(span) for span in one.spans],
        "en": one.en,
        "zh": one.zh,
        "owner": one.owner,
    }
