"""Decisions taken again from what was found then: what a changed rulebook makes of the same facts.

A stored decision names everything that was found, so a rule whose parameters did not change needs
no facts to be run again: what it found, it would find. Only rules that a changed rulebook reads
differently are run on facts that were restored; where those are not kept, the outcome is not known
unless something else decides it anyway. Nothing here guesses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from assent.message import Purpose
from assent.policy.decide import VERDICT_OF
from assent.policy.facts import Effect
from assent.policy.reasons import BY_CODE, REASONS
from assent.policy.rulebook import Profile, Rulebook

PARAMETERS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "grade_too_low": ("", ("min_grade", "min_grade_by_category")),
    "wrong_port_purpose": ("", ("port_purposes",)),
    "port_not_free": ("free_reply_for", ()),
    "basis_missing": ("basis_for", ()),
    "signature_missing": ("signature_for", ()),
    "signature_wrong": ("signature_for", ()),
    "signature_second": ("signature_for", ()),
    "signature_in_value": ("signature_for", ()),
    "contact_missing": ("contact_for", ("contact_patterns",)),
    "refusal_way_missing": ("refusal_way_for", ("refusal_ways",)),
    "code_word_missing": ("code_for", ("code_words",)),
    "code_missing": ("code_for", ("code_pattern",)),
    "codes_several": ("code_for", ("code_beside_word",)),
    "too_long": ("", ("most_segments",)),
    "quiet_hours": ("", ("windows",)),
    "expires_before_window": ("", ("windows",)),
    "over_cap": ("", ("caps",)),
    "over_cap_all": ("", ("caps",)),
    "probing": ("", ("probing",)),
}
"""What each rule reads of a profile: the list of purposes that it binds, '' where there is none,
and its other parameters. Rules that are not named here read nothing of it."""


def mask_of(codes: Iterable[str]) -> np.uint64:
    """Return the findings mask of some codes."""
    mask = 0
    for code in codes:
        mask |= 1 << BY_CODE[code].bit
    return np.uint64(mask)


def changed(old: Rulebook | None, new: Rulebook, purpose: Purpose) -> frozenset[str]:
    """Return the codes of rules that may find something else in messages of a purpose under the new
    rulebook: their parameters differ, or they were off. `old` None: it is not kept, so every rule
    with parameters may. An effect that merely changes is not among them: :func:`weigh` knows it."""
    if old is not None and old.digest == new.digest:
        return frozenset()
    bound = _bound(new, purpose) | (frozenset() if old is None else _bound(old, purpose))
    if old is None:
        return bound & PARAMETERS.keys()
    if _chosen(old) != _chosen(new):
        return bound & (PARAMETERS.keys() | _off(old.profiles))
    found: set[str] = set()
    for after in new.profiles:
        before = old.profile(after.name)
        found |= _off([before]) - _off([after])
        found |= {code for code in PARAMETERS if _differs(before, after, code, purpose)}
    return bound & found


def weigh(
    findings: NDArray[np.uint64], places: NDArray[np.uint8] | int, rulebook: Rulebook | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return what findings come to, as `decide` would: the verdict (:class:`~.decide.Verdict`) and
    the number of the first reason in precedence, 0 for none. `places`: each person's profile, as
    :meth:`Rulebook.profile_of` gives it; `rulebook` None: reasons have their usual effects."""
    verdict = np.zeros(len(findings), np.uint8)
    number = np.zeros(len(findings), np.uint16)
    if rulebook is None or isinstance(places, int):
        effects = {} if rulebook is None else rulebook.profiles[int(places)].effects
        _weigh(findings, effects, verdict, number)
        return verdict, number
    for place in np.unique(places).tolist():
        where = np.flatnonzero(places == place)
        part, reason = verdict[where], number[where]
        _weigh(findings[where], rulebook.profiles[place].effects, part, reason)
        verdict[where], number[where] = part, reason
    return verdict, number


def _weigh(
    findings: NDArray[np.uint64],
    effects: Mapping[str, Effect],
    verdict: NDArray[np.uint8],
    number: NDArray[np.uint16],
) -> None:
    if not findings.any():
        return
    present = int(np.bitwise_or.reduce(findings))
    found = [
        (effects.get(reason.code, reason.effect), reason)
        for reason in REASONS
        if present >> reason.bit & 1
    ]
    # Weakest first, so that the strongest stay on top; what is off says nothing.
    for effect, reason in sorted(found, key=lambda one: (one[0], -one[1].rank)):
        if effect is Effect.NOTE:
            continue
        mask = (findings >> np.uint64(reason.bit)) & np.uint64(1) != 0
        np.putmask(verdict, mask, int(VERDICT_OF[effect]))
        np.putmask(number, mask, reason.number)


def merged(
    recorded: NDArray[np.uint64], again: NDArray[np.uint64], codes: Collection[str]
) -> NDArray[np.uint64]:
    """Return what was found then, but for some codes what is found now."""
    mask = mask_of(codes)
    found: NDArray[np.uint64] = (recorded & ~mask) | (again & mask)
    return found


def _bound(rulebook: Rulebook, purpose: Purpose) -> frozenset[str]:
    """Return the codes of the rules that look at messages of a purpose."""
    checks = (check for profile in rulebook.profiles for check in profile.plans[purpose])
    return frozenset(check.reason.code for check in checks)


def _chosen(rulebook: Rulebook) -> tuple[object, ...]:
    names = tuple(profile.name for profile in rulebook.profiles)
    return names, rulebook.by_network.tobytes(), rulebook.by_country.tobytes()


def _off(profiles: Iterable[Profile]) -> set[str]:
    return {
        code
        for profile in profiles
        for code, effect in profile.effects.items()
        if effect is Effect.NOTE
    }


def _differs(before: Profile, after: Profile, code: str, purpose: Purpose) -> bool:
    binds, names = PARAMETERS[code]
    if binds:
        bound = [purpose in getattr(profile, binds) for profile in (before, after)]
        if bound[0] != bound[1]:
            return True
        if not bound[0]:
            return False
    return any(_value(before, name, purpose) != _value(after, name, purpose) for name in names)


def _value(profile: Profile, name: str, purpose: Purpose) -> object:
    """Return what messages of a purpose have of a parameter."""
    value = getattr(profile, name)
    if name == "port_purposes":
        return frozenset(port for port, purposes in value.items() if purpose in purposes)
    if isinstance(value, Mapping):
        return value.get(purpose) if name != "min_grade_by_category" else dict(value)
    return value
