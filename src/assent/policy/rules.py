"""The rules, one function each: a case in, a mask of the people concerned out.

A rule returns a bool when it finds the same for everybody (a fact of the text, the port or
the moment) and a bool array otherwise. Rules only read; none knows another. What a finding
*does* is the reason's effect, which the rulebook may change within limits; what a rule
compares with is a parameter of the profile. A rule that cannot judge raises: everybody is
then held (:mod:`assent.policy.decide`).

The purpose `system` (the operator's own fixed wording, such as the confirmation of a
refusal) is bound by its own caps and by what is physically possible: a number, a route, a
validity. Nothing imposed on a sender may stop it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.message import NEEDS_STANDING, Purpose
from assent.policy.facts import Case, Effect, Mask, Restriction, Screening
from assent.policy.reasons import FAULT_CODES, LINK_CODES, PLACE_CODE, PROBING_CODE
from assent.text import wording

Check = Callable[[Case], Mask]

ALL: Final = frozenset(Purpose)
SENDERS: Final = ALL - {Purpose.SYSTEM}
_TURNED_DOWN: Final = ("rejected", "withdrawn")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's function, the code of its reason, and the purposes it binds."""

    code: str
    check: Check
    purposes: frozenset[Purpose]


RULES: Final[list[Rule]] = []

LINKS: Final[set[Check]] = set()
"""The rules that read nothing but :attr:`Facts.broken`: where that is empty they find nothing."""


def _rule(code: str, purposes: frozenset[Purpose] = SENDERS) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        RULES.append(Rule(code, check, purposes))
        return check

    return register


def _needed(column: NDArray[Any] | None, name: str) -> NDArray[Any]:
    """Return a column that a rule cannot do without. Raises LookupError when it is None."""
    if column is None:
        raise LookupError(f"fact {name} was not gathered")
    return column


# --- the number -----------------------------------------------------------------------------


def _fault_rule(value: int, code: str) -> None:
    """Register one rule a fault, so that each keeps its own reason."""

    def has_fault(case: Case) -> Mask:
        faulty: Mask = case.people.fault == value
        return faulty

    RULES.append(Rule(code, has_fault, ALL))


for _value, _code in enumerate(FAULT_CODES, start=1):
    _fault_rule(_value, _code)


@_rule("number_not_digits", ALL)
def unknown_fault(case: Case) -> Mask:
    """Reject a fault that this table does not know yet: never let a faulty number pass."""
    return case.people.fault > len(FAULT_CODES)


@_rule("duplicate", ALL)
def duplicate(case: Case) -> Mask:
    """Send once to a number that stands several times in one order."""
    return case.people.duplicate


@_rule("no_route", ALL)
def no_route(case: Case) -> Mask:
    """Reject where no carrier of ours reaches the person's network."""
    return ~_needed(case.facts.reachable, "reachable")


@_rule("expired", ALL)
def expired(case: Case) -> Mask:
    """Reject what is past its validity already."""
    return case.facts.expires_at is not None and case.facts.expires_at <= case.facts.now


# --- the person's will ----------------------------------------------------------------------


@_rule("no_standing", NEEDS_STANDING)
def no_standing(case: Case) -> Mask:
    """No entry means no (CN-08, CN-10, CN-20)."""
    none: Mask = _needed(case.facts.grade, "grade") == 0
    return none


@_rule("grade_too_low", NEEDS_STANDING)
def grade_too_low(case: Case) -> Mask:
    """Ask for the grade of proof that the purpose and the categories need."""
    needed = case.profile.grade_for(case.content.purpose, case.content.categories)
    grade = _needed(case.facts.grade, "grade")
    return (grade > 0) & (grade < needed) if needed > 1 else False


@_rule("refused")
def refused(case: Case) -> Mask:
    """A refusal that covers the purpose ends it, whatever consent says (CN-08, CN-43)."""
    return _needed(case.facts.refused, "refused")


@_rule("paused", NEEDS_STANDING)
def paused(case: Case) -> Mask:
    """Rest while a person reads an unclear reply (CN-20: unclear counts as refusal)."""
    return _needed(case.facts.paused, "paused")


# --- the port -------------------------------------------------------------------------------


@_rule("wrong_port_purpose")
def wrong_port_purpose(case: Case) -> Mask:
    """Keep each port to the purpose it was approved for (CN-12, CN-24)."""
    allowed = case.profile.port_purposes.get(case.facts.port_purpose, frozenset())
    return case.content.purpose not in allowed


@_rule("port_inactive")
def port_inactive(case: Case) -> Mask:
    """Send only from a port that is filed and active (CN-70)."""
    return not case.facts.port_active or case.facts.broken.get("port_inactive", False)


@_rule("port_not_free")
def port_not_free(case: Case) -> Mask:
    """Refusing must cost nothing, so marketing needs a port free to reply to (CN-13)."""
    return case.content.purpose in case.profile.free_reply_for and (
        not case.facts.port_free_to_reply
    )


@_rule("basis_missing")
def basis_missing(case: Case) -> Mask:
    """Verification and notification stand on a basis filed with their template."""
    return case.content.purpose in case.profile.basis_for and not case.facts.basis_filed


# --- the chain that it leaves over ----------------------------------------------------------


def _link_rule(code: str) -> None:
    """Register one rule a link: `flow.chain` says who is concerned. They bind senders: what the
    operator itself owes a receiver, such as the confirmation of a refusal, has no sender whose
    link could break, and is owed also when the operator's own licence has lapsed."""

    def is_broken(case: Case) -> Mask:
        return case.facts.broken.get(code, False)

    LINKS.add(is_broken)
    RULES.append(Rule(code, is_broken, SENDERS))


# (Who counts through numbers is told with them: usually nobody, and then nothing is run.)
for _code in (*LINK_CODES, PLACE_CODE, PROBING_CODE):
    _link_rule(_code)


# --- the text -------------------------------------------------------------------------------


@_rule("signature_missing")
def signature_missing(case: Case) -> Mask:
    """Name who speaks, in 【】, at the front (CN-14, CN-71)."""
    if case.content.purpose not in case.profile.signature_for:
        return False
    return wording.signature_of(case.content.text) is None


@_rule("signature_wrong")
def signature_wrong(case: Case) -> Mask:
    """The signature is exactly the one approved for the port (CN-70)."""
    if case.content.purpose not in case.profile.signature_for:
        return False
    signature = wording.signature_of(case.content.text)
    return signature is not None and signature != case.facts.port_signature


@_rule("signature_second")
def signature_second(case: Case) -> Mask:
    """One pair of 【】 only (CN-77)."""
    if case.content.purpose not in case.profile.signature_for:
        return False
    return wording.has_second_signature(case.content.text)


@_rule("signature_in_value")
def signature_in_value(case: Case) -> Mask:
    """A value put into a template must not bring a signature of its own (CN-77)."""
    values = case.content.values
    if values is None or case.content.purpose not in case.profile.signature_for:
        return False
    return np.fromiter(("【" in text or "】" in text for text in values), np.bool_, len(values))


@_rule("internal_commercial", frozenset({Purpose.INTERNAL}))
def internal_commercial(case: Case) -> Mask:
    """What an organisation writes to its members offers nothing (CN-12)."""
    if wording.sounds_commercial(case.content.text):
        return True
    values = case.content.values
    if values is None:
        return False
    return np.fromiter(map(wording.sounds_commercial, values), np.bool_, len(values))


@_rule("contact_missing")
def contact_missing(case: Case) -> Mask:
    """A commercial text shows the sender's contact number (CN-22, CN-40)."""
    if case.content.purpose not in case.profile.contact_for:
        return False
    patterns = case.profile.contact_patterns
    return not wording.has_contact(case.content.text, case.facts.contacts, patterns)


@_rule("refusal_way_missing")
def refusal_way_missing(case: Case) -> Mask:
    """A commercial text tells how to refuse (CN-13, CN-22)."""
    if case.content.purpose not in case.profile.refusal_way_for:
        return False
    return not wording.tells_how_to_refuse(case.content.text, case.profile.refusal_ways)


@_rule("code_word_missing")
def code_word_missing(case: Case) -> Mask:
    """A verification text calls its code by name (CN-95)."""
    if case.content.purpose not in case.profile.code_for:
        return False
    return not wording.names_a_code(case.content.text, case.profile.code_words)


@_rule("code_missing")
def code_missing(case: Case) -> Mask:
    """A verification text carries a code, or a place for one (CN-95)."""
    if case.content.purpose not in case.profile.code_for or case.profile.code_pattern is None:
        return False
    return not wording.has_code(case.content.text, case.profile.code_pattern)


@_rule("codes_several")
def codes_several(case: Case) -> Mask:
    """A verification text carries one code (CN-95)."""
    if case.content.purpose not in case.profile.code_for:
        return False
    return wording.count_codes(case.content.text, case.profile.code_beside_word) > 1


@_rule("too_long")
def too_long(case: Case) -> Mask:
    """Keep to the segments that carriers take (CN-96)."""
    return case.content.segments > case.profile.most_segments


@_rule("content_not_reviewed")
def content_not_reviewed(case: Case) -> Mask:
    """Let pictures and videos leave only after a person has seen every one (CN-06)."""
    return case.facts.content_state not in ("approved", *_TURNED_DOWN)


@_rule("content_refused")
def content_refused(case: Case) -> Mask:
    """What a reviewer turned down, or took back later, stays (CN-06)."""
    return case.facts.content_state in _TURNED_DOWN


@_rule("text_rejected")
def text_rejected(case: Case) -> Mask:
    """A text that screening or a reviewer turned down stays (CN-06)."""
    return _screening(case).rejected


@_rule("text_held")
def text_held(case: Case) -> Mask:
    """What screening wants a person to see waits for one (CN-06)."""
    return _screening(case).held


def _screening(case: Case) -> Screening:
    """Return where the text stands. Raises LookupError when nobody looked."""
    if case.facts.screening is None:
        raise LookupError("fact screening was not gathered")
    return case.facts.screening


# --- the moment -----------------------------------------------------------------------------


@_rule("not_before", ALL)
def not_before(case: Case) -> Mask:
    """Note that the message waits for the time it was ordered for."""
    start = case.facts.not_before
    return start is not None and start > case.facts.now


@_rule("quiet_hours")
def quiet_hours(case: Case) -> Mask:
    """Put off to the hours in which such messages may come (CN-90, US-06)."""
    return case.leave > case.earliest


@_rule("expires_before_window", ALL)
def expires_before_window(case: Case) -> Mask:
    """Reject what would be past its validity when it may leave."""
    end = case.facts.expires_at
    if end is None or end <= case.facts.now:
        return False
    return case.leave >= end


@_rule("over_cap", ALL)
def over_cap(case: Case) -> Mask:
    """Do not write more often than the sender may (CN-92, CN-93)."""
    return _over(case, platform=False)


@_rule("over_cap_all", ALL)
def over_cap_all(case: Case) -> Mask:
    """Do not write more often than all senders together may (CN-92)."""
    return _over(case, platform=True)


def _over(case: Case, *, platform: bool) -> Mask:
    """Tell who has used up a cap. Raises KeyError when a cap's claims were not counted."""
    over: Mask = False
    for cap in case.profile.caps.get(case.content.purpose, ()):
        if (cap.scope == "platform") is platform:
            full = case.facts.claims[cap.id] >= cap.limit
            over = full if over is False else over | full
    return over


# --- restrictions ---------------------------------------------------------------------------


def in_force(case: Case, effect: Effect) -> list[Restriction]:
    """Return the restrictions of this effect that have not ended."""
    found, now = case.facts.restrictions, case.facts.now
    return [r for r in found if r.effect is effect and (r.until is None or r.until > now)]


def _restricted(case: Case, effect: Effect) -> Mask:
    concerned: Mask = False
    for restriction in in_force(case, effect):
        if restriction.mask is None:
            return True
        concerned = concerned | restriction.mask
    return concerned


@_rule("carrier_blocked", frozenset({Purpose.MARKETING}))
def carrier_blocked(case: Case) -> Mask:
    """Send nothing commercial to whom the carrier wants left alone (CN-25)."""
    return case.facts.blocked


@_rule("restricted")
def restricted(case: Case) -> Mask:
    """Reject what a case, ceiling or suspension forbids (CN-16, CN-25)."""
    return _restricted(case, Effect.REJECT)


@_rule("restricted_review")
def restricted_review(case: Case) -> Mask:
    """Hold what a restriction wants a person to see."""
    if any(item.effect is Effect.NOTE for item in case.facts.restrictions):
        raise ValueError("a restriction defers, holds or rejects")
    return _restricted(case, Effect.HOLD)


@_rule("restricted_until")
def restricted_until(case: Case) -> Mask:
    """Put off what is restricted for a time."""
    return _restricted(case, Effect.DEFER)
