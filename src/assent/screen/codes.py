"""The closed list of findings: every code that screening can tell, with its gravity and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from assent.screen import contacts, hosts
from assent.screen.finding import Severity
from assent.screen.form import FORM_CODES
from assent.screen.rendered import VALUE_CODES
from assent.screen.weighing import KIND_CODES
from assent.screen.words import RuleSet

__all__ = ["finding_codes"]

_ORDER: Final = {"note": 0, "hold": 1, "reject": 2}


def finding_codes(words: RuleSet | None = None) -> Mapping[str, tuple[str, str, str]]:
    """Return code → (how grave it can be, English, Chinese), in the order of the manual. `words`:
    the rule set whose codes are told; the packaged one if not given."""
    return dict(_codes(words or RuleSet.packaged()))


def _codes(words: RuleSet) -> Iterator[tuple[str, tuple[str, str, str]]]:
    for code, (en, zh) in KIND_CODES.items():
        harmful = "nobody may send" in en
        yield code, ("hold, reject" if harmful else "hold", en, zh)
    yield from _rules(words)
    for code, (severity, en, zh) in hosts.CODES.items():
        grave = "hold, reject" if code == "host_lookalike" else severity.name.lower()
        yield code, (grave, en, zh)
    for kind, (severity, en, zh) in contacts.KINDS.items():
        grave = "note" if severity is Severity.NOTE else "note, hold"
        yield (
            f"contact_{kind}",
            (grave, f"{en} that is not filed for the sender", f"{zh}未为该发送方备案"),
        )
    for code, (en, zh, when) in FORM_CODES.items():
        yield code, (f"note; hold when {when}", en, zh)
    for code, (en, zh) in VALUE_CODES.items():
        yield code, ("hold", en, zh)


def _rules(words: RuleSet) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Yield the codes of word rules: one may have several rules, with words of their own."""
    graves: dict[str, set[str]] = {}
    told: dict[str, tuple[str, str]] = {}
    for rule in words.rules:
        graves.setdefault(rule.finding_code, set()).add(rule.severity)
        told.setdefault(rule.finding_code, (rule.en, rule.zh))
    for code in sorted(graves):
        yield code, (", ".join(sorted(graves[code], key=_ORDER.__getitem__)), *told[code])
