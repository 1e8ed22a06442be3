"""Questions that wait for an answer on the operator's own number, and what is meant by one.

Organisations ask whether somebody is a member (members.py), senders whether she agrees to a
programme (asking.py), the operator whether she agreed to what was imported (audits.py). All are
asked from the same number, so an answer is read once, for all that is open: a code names its
question; a yes without one is to the only one or to none; a no without one is to all. Whatever else
she writes is no yes, and ends the questions of senders (CN-20); what refuses messages in so many
words is a refusal and goes its ordinary way besides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from assent.consent.entry import Channel, Origin
from assent.flow.answered import Answered
from assent.flow.asking_answers import ConsentAnswers
from assent.flow.audits import AuditAnswers, meaning
from assent.flow.members import Members
from assent.flow.needs import Store, Transaction, utc
from assent.flow.refusals import Asked
from assent.policy.answering import Said, meant, read_answer
from assent.policy.asking import Why
from assent.text.keywords import Kind

AUDIT: Final = "audit"
CONSENT: Final = "consent"
MEMBER: Final = "member"
_REFUSALS: Final = frozenset({Kind.REFUSE, Kind.REFUSE_ALL})
_TALK: Final = frozenset({Kind.NONE, Kind.UNCLEAR})
"""What is no answer; HELP and START are none either, and leave the question open."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom an answer concerns. `alone`: it is to questions and to nothing else. `member`: it says
    no to the organisations, or never to the senders, `groups`. `no_to`: rows of senders' questions
    to which it says no."""

    groups: tuple[int, ...] = ()
    alone: bool = False
    member: bool = False
    no_to: tuple[Any, ...] = ()

    def declined(self, reply_id: int) -> list[Asked]:
        """Return the refusals that a no to senders' questions is: of the programme that she was
        asked about and of nothing else. It is confirmed where it changes something."""
        return [
            Asked(
                row["person_id"],
                (row["group_id"],),
                row["purposes"],
                Channel.SMS,
                Origin.RECEIVER,
                confirm=row["stands"],
                reply_id=reply_id,
                programme=row["programme_id"],
            )
            for row in self.no_to
        ]


NOTHING_MEANT: Final = Meant()


@dataclass(slots=True)
class _Said:
    """What some answers come to."""

    agreed: list[Any] = field(default_factory=list)  # rows of open questions
    enrolled: list[Any] = field(default_factory=list)
    declined: list[tuple[Any, Why]] = field(default_factory=list)


class Questions:
    """Reads answers for everybody who asks."""

    def __init__(
        self, store: Store, members: Members, consents: ConsentAnswers, audits: AuditAnswers
    ) -> None:
        self._store = store
        self._members = members
        self._consents = consents
        self._audits = audits

    async def look(self, person: int, text: str, kind: Kind, now: float) -> Meant:
        """Return whom a reply to the operator's number concerns, by the questions that are open."""
        rows = await self._store.fetch("questions_open", [person], utc(now))
        if not rows:
            return NOTHING_MEANT
        answer = read_answer(text)
        denied = await self._audits.denied(person, text, now)
        if answer.said is Said.NO:
            to = [rows[place] for place in meant(answer, [row["code"] for row in rows])]
            organisations = tuple(sorted({*_groups(to, MEMBER), *denied}))
            no_to = tuple(row for row in to if row["what"] == CONSENT)
            return Meant(organisations, True, bool(organisations), no_to)
        if denied:
            return Meant(denied, True, True)
        found = _groups(rows, MEMBER)
        if kind in _REFUSALS:
            found = tuple(sorted({*found, *_groups(rows, CONSENT)}))
        return Meant(found, alone=answer.said is Said.YES)

    async def take(self, tx: Transaction, answers: Sequence[Answered], now: float) -> None:
        """Carry out what people answered, in the transaction that stores their replies: a clear yes
        is a consent, everything else ends what a sender asked."""
        who = sorted({one.person for one in answers})
        # Read before any is closed: which codes are known tells what a no is to.
        rows = await tx.fetch("questions_open", who, utc(now)) if who else []
        refused = [(one.person, group) for one in answers for group in one.refused]
        if refused:
            people, groups = (list(column) for column in zip(*refused, strict=True))
            await tx.execute("invitations_refused", people, groups, utc(now))
        meant_for_audits = await self._audits.take(tx, answers, now)
        answers = [one for one in answers if one.person not in meant_for_audits or one.refused]
        if not rows:
            return
        open_: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            open_[row["person_id"]].append(row)
        said = _Said()
        for one in answers:
            _sort(one, open_[one.person], said)
        await self._members.enrol(tx, said.enrolled, now)
        await self._consents.take(tx, said.agreed, said.declined, now)


def _sort(one: Answered, rows: list[Any], said: _Said) -> None:
    """Note what an answer says to the open questions of its person; take them out of `rows`."""
    answer = read_answer(one.text)
    to = [rows[place] for place in meant(answer, [row["code"] for row in rows])]
    consents = [row for row in rows if row["what"] == CONSENT]
    if answer.said is Said.YES and not one.refused:
        said.agreed += [row for row in to if row["what"] == CONSENT]
        said.enrolled += [row for row in to if row["what"] == MEMBER]
    elif answer.said is Said.NO:
        to = [row for row in to if row["what"] == CONSENT]
        said.declined += [(row, Why.NO) for row in to]
    elif any(row["what"] == AUDIT for row in rows) and meaning(one.text) != "unclear":
        to = []  # it answers another question
    elif one.kind in _REFUSALS or one.kind in _TALK:
        why = Why.WORDS if one.kind in _REFUSALS else Why.UNCLEAR
        said.declined += [(row, why) for row in consents]
        to = consents
    gone = {(row["what"], row["id"]) for row in to}
    rows[:] = [row for row in rows if (row["what"], row["id"]) not in gone]


def _groups(rows: Sequence[Any], what: str) -> tuple[int, ...]:
    return tuple(sorted({row["group_id"] for row in rows if row["what"] == what}))
