"""How long things are kept: a section of the rulebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from assent.errors import InvalidInput

_LEAST_MONTHS: Final = 5


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept, in months. `evidence`: files that back a consent, after it is over;
    `content`: texts of messages. `disuse`: after so long without a message a consent lapses, 0:
    never."""

    evidence_months: int
    content_months: int
    disuse_months: int


def keeping_of(values: Mapping[str, Any]) -> Keeping:
    """Return a document's section `keeping`. Raises InvalidInput naming the field."""
    keeping = Keeping(
        int(values["evidence_months"]), int(values["content_months"]), int(values["disuse_months"])
    )
    if min(keeping.evidence_months, keeping.content_months) < _LEAST_MONTHS:
        raise _wrong("evidence_months", "evidence and texts are kept five months at least (CN-05)")
    if not 0 <= keeping.disuse_months <= keeping.content_months:
        raise _wrong("disuse_months", "disuse is counted in what is kept: at most content_months")
    return keeping


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput("rulebook_invalid", message, field=field, mend="correct the rulebook")
