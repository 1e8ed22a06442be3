"""What papers open: a pure function of the table, the papers and the day.

Days are the country's calendar days; a paper holds on its last day and not on the next. The same
papers in any order give the same answer. Nothing here says that an entity is honest: signals
(:mod:`assent.registry.signals`) and a reviewer do, before a paper is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from assent.message import Purpose
from assent.registry.papers import Lack, Opening, Paper, Qualified, Seen
from assent.registry.table import Demand, FreeText, Table, Terms

WHYS: Final = (
    "missing",
    "not_accepted",
    "undated",
    "expired",
    "not_yet_valid",
    "scope",
    "provisional_over",
    "not_seen",
)
"""Why a paper does not answer a demand, the nearer to answering it the later."""

_NOTHING: Final = Qualified(Opening.NO, None, (), (), False, False, 0)


@dataclass(frozen=True, slots=True)
class _Answer:
    """How well a demand is met on a day. `why`: '' when in full."""

    opening: Opening
    paper: Paper | None
    why: str


def qualify(
    table: Table, industry: str, purpose: Purpose, papers: Sequence[Paper], today: date
) -> Qualified:
    """Return what a sender of an industry may send for a purpose on a day.

    An industry that the table does not know, and a purpose that is closed to it, open nothing;
    `Lack.why` is then `unknown_industry` or `closed`. `system` is the operator's own: closed.
    """
    found = table.industry(industry)
    if found is None:
        return replace(_NOTHING, lacks=(Lack((), "unknown_industry"),))
    terms = found.terms.get(purpose)
    if terms is None or terms.closed is not None:
        return replace(_NOTHING, lacks=(Lack((), "closed"),))
    licensed = (
        found.licence is not None
        and _Day(table, papers, today).answer(found.licence).opening is Opening.FULL
    )
    return replace(_stand(table, terms, papers, today), licensed=licensed)


def base(table: Table, papers: Sequence[Paper], today: date) -> Qualified:
    """Return what the papers of an account's entity open: FULL makes it a verified account,
    PROVISIONAL one within the table's limits."""
    return _stand(table, table.base, papers, today)


def operator(table: Table, papers: Sequence[Paper], today: date) -> Qualified:
    """Return whether the operator itself may run the service: its licence and the certificate
    of its code number. Anything but FULL stops what depends on it."""
    return _stand(table, table.operator, papers, today)


def agent(
    table: Table, industry: str, purpose: Purpose, papers: Sequence[Paper], today: date
) -> Qualified:
    """Return whether an agent with these papers may act for a sender of this industry.

    It needs a licence to resell (CN-01); for the marketing of finance, also the licence that the
    sender's industry itself asks for. Where there is none, only the sender may advertise.
    """
    found = table.industry(industry)
    if found is None:
        return replace(_NOTHING, lacks=(Lack((), "unknown_industry"),))
    if not (found.finance and purpose is Purpose.MARKETING):
        return _stand(table, table.agent, papers, today)
    if found.licence is None or found.terms[purpose].closed is not None:
        return replace(_NOTHING, lacks=(Lack((), "closed"),))
    terms = table.agent_finance
    whole = replace(terms, demands=(*terms.demands, found.licence))
    return _stand(table, whole, papers, today)


def last_day(table: Table, paper: Paper) -> date | None:
    """Return the last day on which a paper holds, None: no end.

    One that must name an end and names none, or whose term cannot be counted because it names
    no first day, never holds: its last day is the first of the calendar.
    """
    if paper.valid_to is not None:
        return paper.valid_to
    kind = table.kinds.get(paper.kind)
    if kind is None or kind.must_end:
        return date.min
    if kind.validity_days is None:
        return None
    if paper.valid_from is None:
        return date.min
    return _later(paper.valid_from, kind.validity_days - 1)


def next_change(table: Table, papers: Iterable[Paper], today: date) -> date | None:
    """Return the first later day on which any answer about these papers may differ from
    today's, None: never. Whoever keeps an answer asks again on that day."""
    days = (day for paper in papers for day in _turns(table, paper))
    return min((day for day in days if day > today), default=None)


def warning_due(table: Table, until: date | None, today: date) -> int | None:
    """Return which warning of an end is due: the least mark of days (60, 30, 7) that is
    reached, None before the first one and when it is over."""
    if until is None or until < today:
        return None
    left = (until - today).days
    return min((mark for mark in table.warn_days if left <= mark), default=None)


def _stand(table: Table, terms: Terms, papers: Sequence[Paper], today: date) -> Qualified:
    day = _Day(table, papers, today)
    answers = [day.answer(demand) for demand in terms.demands]
    opening = day.opening(terms)
    lacks = tuple(
        Lack(demand.kinds, answer.why, answer.paper.id if answer.paper else 0)
        for demand, answer in zip(terms.demands, answers, strict=True)
        if answer.opening is not Opening.FULL
    )
    used = {answer.paper.id for answer in answers if answer.paper} if opening else set()
    return Qualified(
        opening=opening,
        until=_until(table, terms, papers, today) if opening else None,
        lacks=lacks,
        documents=tuple(sorted(used)),
        licensed=False,
        free_text=opening is Opening.FULL and day.writes_freely(terms),
        reviewers=terms.reviewers,
    )


def _until(table: Table, terms: Terms, papers: Sequence[Paper], today: date) -> date | None:
    """Return the last day before the opening falls below today's."""
    opening = _Day(table, papers, today).opening(terms)
    for turn in sorted({day for paper in papers for day in _turns(table, paper)}):
        if turn > today and _Day(table, papers, turn).opening(terms) < opening:
            return turn - timedelta(days=1)
    return None


class _Day:
    """What papers are worth on one day."""

    def __init__(self, table: Table, papers: Sequence[Paper], today: date) -> None:
        self._table = table
        self._papers = papers
        self._today = today

    def opening(self, terms: Terms) -> Opening:
        """Return what the weakest answer leaves open."""
        weakest = min(self.answer(demand).opening for demand in terms.demands)
        return Opening.NO if weakest is Opening.PROVISIONAL and not terms.provisional else weakest

    def writes_freely(self, terms: Terms) -> bool:
        """Return whether texts may be sent that were filed as no template."""
        if terms.free_text is FreeText.LETTER:
            return self.answer(self._table.free_text_letter).opening is Opening.FULL
        return terms.free_text is FreeText.ALWAYS

    def answer(self, demand: Demand) -> _Answer:
        """Return the paper that comes nearest to a demand; of equals the one that holds longest,
        then the one filed last."""
        near = [
            (self._why(paper, demand), paper)
            for paper in self._papers
            if paper.kind in demand.kinds
        ]
        if not near:
            return _Answer(Opening.NO, None, "missing")
        why, paper = max(near, key=lambda one: self._worth(*one))
        if not why:
            return _Answer(Opening.FULL, paper, "")
        return _Answer(Opening.PROVISIONAL if why == "not_seen" else Opening.NO, paper, why)

    def _worth(self, why: str, paper: Paper) -> tuple[int, date, Seen, int]:
        nearness = WHYS.index(why) if why else len(WHYS)
        end = last_day(self._table, paper) or date.max
        if why == "not_seen":
            end = min(end, paper.provisional_until or end)
        return nearness, end, paper.seen, paper.id

    def _why(self, paper: Paper, demand: Demand) -> str:
        """Return why a paper of the right kind does not answer in full, '' if it does."""
        end = last_day(self._table, paper)
        if not paper.accepted or paper.seen is Seen.NONE:
            return "not_accepted"
        if end == date.min:
            return "undated"
        if end is not None and end < self._today:
            return "expired"
        if paper.valid_from is not None and paper.valid_from > self._today:
            return "not_yet_valid"
        if not demand.scope <= paper.scope:
            return "scope"
        if paper.seen >= demand.seen:
            return ""
        # A paper that was not seen well enough opens at most until a day that somebody set.
        over = paper.provisional_until is None or paper.provisional_until < self._today
        return "provisional_over" if over else "not_seen"


def _turns(table: Table, paper: Paper) -> Iterator[date]:
    """Yield the days on which a paper begins to hold, or holds no more."""
    if paper.valid_from is not None:
        yield paper.valid_from
    for last in (last_day(table, paper), paper.provisional_until):
        if last is not None and last < date.max:
            yield last + timedelta(days=1)


def _later(day: date, days: int) -> date:
    """Return a day that many days later, the calendar's last one beyond its end."""
    return day + timedelta(days=min(days, (date.max - day).days))
