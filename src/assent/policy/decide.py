"""One function, :func:`decide`: everybody's verdict at once, with every finding.

How findings add up: reject beats hold beats allow; a deferral leaves the verdict alone and
sets a time. Every rule runs and every finding is kept; the *reason* is the first in
precedence among the strongest. A rule that raises is a finding too, `rule_error`, which
holds everybody it would have judged: an error never lets a message through, and never
softens what another rule rejects. There is no other path: a code to one person is an array
of length one.

Order of work: people are parted by country profile (usually there is one), each part gets
its moments (own start, restriction, quiet hours), its rules and its verdicts; then the
balance is laid against the cost of all who are allowed, in their order.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from assent.message import Purpose
from assent.policy.facts import (
    Case,
    Content,
    Effect,
    Facts,
    Mask,
    People,
    Restriction,
    check_lengths,
)
from assent.policy.reasons import BY_CODE, Reason
from assent.policy.rulebook import Profile, Rulebook
from assent.policy.rules import in_force

__all__ = [
    "Content",
    "Decisions",
    "Effect",
    "Facts",
    "People",
    "Restriction",
    "Verdict",
    "decide",
    "leave_times",
]

_DAY_S: Final = 86_400
_RULE_ERROR: Final = BY_CODE["rule_error"]
_BALANCE: Final = BY_CODE["balance"]
_MESSAGES: Final = BY_CODE["provisional_limit"]
_SPENDING: Final = BY_CODE["spending_limit"]

Moments = int | NDArray[np.int64]
Finding = tuple[Effect, Reason, Mask]


class Verdict(IntEnum):
    """What becomes of a message. Reject beats hold beats allow."""

    ALLOW = 0
    HOLD = 1
    REJECT = 2


VERDICT_OF: Final = {
    Effect.NOTE: Verdict.ALLOW,
    Effect.DEFER: Verdict.ALLOW,
    Effect.HOLD: Verdict.HOLD,
    Effect.REJECT: Verdict.REJECT,
}
"""What an effect comes to."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """One decision a person, in the order of the people.

    `verdict` uint8[n] (:class:`Verdict`). `findings` uint64[n]: bit ``reason.bit`` of every
    reason found. `reason` uint16[n]: number of the first reason in precedence, 0 when there
    is none; a deferred message that is allowed carries the deferral. `defer_until` int64[n]:
    unix seconds before which it must not leave, 0 = at once (0 for whoever is rejected).
    `cost`: micro-yuan of the allowed people together. `restrictions`: ids of those in force.
    `errors`: codes of the rules that failed, with the kind of error (bugs: alarm on them).
    `rulebook_digest`: SHA-256 (32 bytes) of the rulebook used.
    """

    verdict: NDArray[np.uint8]
    findings: NDArray[np.uint64]
    reason: NDArray[np.uint16]
    defer_until: NDArray[np.int64]
    rulebook_digest: bytes
    cost: int = 0
    restrictions: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.verdict)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Who may be written to (at once or from `defer_until` on)."""
        allowed: NDArray[np.bool_] = self.verdict == Verdict.ALLOW
        return allowed


def decide(people: People, content: Content, facts: Facts, rulebook: Rulebook) -> Decisions:
    """Judge everybody at once, collecting every finding.

    Pure: the same input gives the same output. Raises ValueError when the columns differ in
    length (a bug of the caller), never because of what they hold.
    """
    check_lengths(people, content, facts)
    n = len(people)
    out = _blank(n, rulebook.digest)
    errors: list[str] = []
    places = rulebook.profile_of(people)
    if isinstance(places, int):
        _judge(people, content, facts, rulebook.profiles[places], out, errors)
    else:
        for place in np.unique(places):
            where = np.flatnonzero(places == place)
            part = _blank(len(where), rulebook.digest)
            profile = rulebook.profiles[place]
            taken = (people.take(where), content.take(where), facts.take(where))
            _judge(*taken, profile, part, errors)
            for name in ("verdict", "findings", "reason", "defer_until"):
                getattr(out, name)[where] = getattr(part, name)
    everything = facts.balance_all_or_nothing
    if everything is None:
        everything = any(
            rulebook.profiles[place].balance_all_or_nothing for place in _distinct(places)
        )
    cost = _charge(content, facts, everything, out, errors)
    return dataclasses.replace(
        out,
        cost=cost,
        restrictions=_ids_in_force(facts) if content.purpose is not Purpose.SYSTEM else (),
        errors=tuple(dict.fromkeys(errors)),
    )


def leave_times(
    people: People, content: Content, facts: Facts, rulebook: Rulebook
) -> NDArray[np.int64]:
    """Return the second at which each person's message may leave, at the earliest.

    For callers that count claims: a cap's window is the one in which the message leaves,
    which after a deferral is not now. Needs no facts but the times and restrictions.
    """
    places = rulebook.profile_of(people)
    out = np.zeros(len(people), np.int64)
    for place in _distinct(places):
        profile = rulebook.profiles[place]
        if isinstance(places, int):
            out[:] = _case(people, content, facts, profile).leave
        else:
            where = np.flatnonzero(places == place)
            taken = (people.take(where), content.take(where), facts.take(where))
            out[where] = _case(*taken, profile).leave
    return out


# --- one profile ----------------------------------------------------------------------------


def _judge(
    people: People,
    content: Content,
    facts: Facts,
    profile: Profile,
    out: Decisions,
    errors: list[str],
) -> None:
    """Run the profile's rules and write verdicts into `out`."""
    n = len(people)
    found: list[Finding] = []
    try:
        case = _case(people, content, facts, profile)
    except Exception as error:  # a deferral that cannot be worked out holds everybody
        errors.append(f"moments: {type(error).__name__}")
        found.append((Effect.HOLD, _RULE_ERROR, True))
        case = Case(people, content, facts, profile, int(facts.now), int(facts.now))
    plans = profile.plans if facts.broken else profile.lean
    for check in plans[content.purpose]:
        try:
            mask = check.rule.check(case)
            if mask is False:
                continue
            if mask is not True:
                if mask.dtype != np.bool_ or mask.shape not in ((n,), ()):
                    raise TypeError("a rule must return one bool a person")
                if not mask.any():
                    continue
        except Exception as error:  # whatever is wrong with a rule: hold, never allow
            errors.append(f"{check.reason.code}: {type(error).__name__}")
            found.append((Effect.HOLD, _RULE_ERROR, True))
            continue
        found.append((check.effect, check.reason, mask))
    if found:
        _write(found, case, out)


def _write(found: list[Finding], case: Case, out: Decisions) -> None:
    """Lay findings over each other, weakest first, so that the strongest stay on top."""
    found.sort(key=lambda finding: (finding[0], -finding[1].rank))
    for effect, reason, mask in found:
        bit = np.uint64(1 << reason.bit)
        if mask is True or (mask is not False and mask.ndim == 0):
            np.bitwise_or(out.findings, bit, out=out.findings)
            out.reason[:] = reason.number
            out.verdict[:] = VERDICT_OF[effect]
        else:
            np.bitwise_or(out.findings, bit, out=out.findings, where=mask)
            np.putmask(out.reason, mask, reason.number)
            np.putmask(out.verdict, mask, int(VERDICT_OF[effect]))
    leave = case.leave
    late = leave > case.facts.now
    if late is True or (late is not False and np.any(late)):
        out.defer_until[:] = np.where(late & (out.verdict != Verdict.REJECT), leave, 0)


# --- moments --------------------------------------------------------------------------------


def _case(people: People, content: Content, facts: Facts, profile: Profile) -> Case:
    """Work out when the message may leave: own start, restrictions, then quiet hours."""
    earliest: Moments = math.floor(facts.now)
    if facts.not_before is not None and facts.not_before > facts.now:
        earliest = math.ceil(facts.not_before)
    case = Case(people, content, facts, profile, earliest, earliest)
    if content.purpose is Purpose.SYSTEM:
        return case
    for restriction in in_force(case, Effect.DEFER) if facts.restrictions else ():
        if restriction.until is None:
            raise ValueError("a deferral needs an end")
        end = math.ceil(restriction.until)
        if restriction.mask is None:
            earliest = (
                np.maximum(earliest, end)
                if isinstance(earliest, np.ndarray)
                else max(earliest, end)
            )
        else:
            earliest = np.where(restriction.mask, np.maximum(earliest, end), earliest)
    case.earliest = case.leave = earliest
    window = profile.windows.get(content.purpose)
    if window is not None:
        case.leave = earliest + _wait(earliest, people.zone, window)
    return case


def _wait(at: Moments, zones: NDArray[np.int16], window: tuple[int, int]) -> Moments:
    """Return the seconds until the window is open on the receiver's clock, 0 when it is.

    The window is [start, end) in minutes of the day; start > end crosses midnight; start =
    end is always open.
    """
    start, end = window[0] * 60, window[1] * 60
    if start == end or end - start == _DAY_S:
        return 0
    length = (end - start) % _DAY_S
    if not len(zones):
        return 0
    zone = int(zones[0])
    if isinstance(at, int) and (len(zones) == 1 or bool((zones == zone).all())):
        since_start = (at + zone * 60 - start) % _DAY_S
        return 0 if since_start < length else _DAY_S - since_start
    local = (at + zones.astype(np.int64) * 60 - start) % _DAY_S
    return np.where(local < length, 0, _DAY_S - local)


# --- money ----------------------------------------------------------------------------------


def _charge(
    content: Content, facts: Facts, everything: bool, out: Decisions, errors: list[str]
) -> int:
    """Lay the balance against the allowed people in order; return what they cost."""
    if content.purpose is Purpose.SYSTEM:
        return 0
    try:
        return _lay_balance(facts, everything, out)
    except Exception as error:
        errors.append(f"balance: {type(error).__name__}")
        allowed = out.verdict == Verdict.ALLOW
        _mark(out, allowed, _RULE_ERROR, Verdict.HOLD)
        np.bitwise_or(out.findings, np.uint64(1 << _RULE_ERROR.bit), out=out.findings)
        return 0


def _lay_balance(facts: Facts, everything: bool, out: Decisions) -> int:
    """Reject whoever the account's limits of today or its balance no longer reach.

    Raises ValueError when price or balance is missing or a price is negative.
    """
    price, balance = facts.price, facts.balance
    if price is None or balance is None:
        raise ValueError("price and balance are needed")
    if len(price) and int(price.min()) < 0:
        raise ValueError("a price is negative")
    if facts.messages_left is not None:
        _lay(np.ones(len(price), np.int64), facts.messages_left, everything, _MESSAGES, out)
    if facts.spending_left is not None:
        _lay(price, facts.spending_left, everything, _SPENDING, out)
    return _lay(price, balance, everything, _BALANCE, out)


def _lay(
    what: NDArray[np.int64], left: int, everything: bool, reason: Reason, out: Decisions
) -> int:
    """Lay what is left against what each of the allowed takes, in their order; reject whoever it
    does not reach, and return what the others take."""
    allowed = out.verdict == Verdict.ALLOW
    due = np.where(allowed, what, 0)
    taken = int(due.sum())
    if taken <= left:
        return taken
    beyond = allowed if everything else allowed & (np.cumsum(due) > left)
    _mark(out, beyond, reason, Verdict.REJECT)
    out.defer_until[beyond] = 0
    return 0 if everything else int(due[~beyond].sum())


def _mark(out: Decisions, mask: NDArray[np.bool_], reason: Reason, verdict: Verdict) -> None:
    np.bitwise_or(out.findings, np.uint64(1 << reason.bit), out=out.findings, where=mask)
    np.putmask(out.reason, mask, reason.number)
    np.putmask(out.verdict, mask, int(verdict))


# --- columns --------------------------------------------------------------------------------


def _blank(n: int, digest: bytes) -> Decisions:
    return Decisions(
        np.zeros(n, np.uint8),
        np.zeros(n, np.uint64),
        np.zeros(n, np.uint16),
        np.zeros(n, np.int64),
        digest,
    )


def _distinct(places: NDArray[np.uint8] | int) -> list[int]:
    return [places] if isinstance(places, int) else [int(place) for place in np.unique(places)]


def _ids_in_force(facts: Facts) -> tuple[str, ...]:
    return tuple(
        item.id for item in facts.restrictions if item.until is None or item.until > facts.now
    )
