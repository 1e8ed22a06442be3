"""Who is tied to whom: a graph of entities and the persons and shareholders behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tie:
    """A person or shareholder stands behind an entity, or stood.

    `entity`: credit code. `who`: a digest of the person, or a shareholder's credit code; equal for
    the same one. `role`: legal_person, responsible, director, shareholder, applicant, ....
    """

    entity: str
    who: str
    role: str
    former: bool = False


def shared_with(entity: str, ties: Iterable[Tie], among: Collection[str]) -> dict[str, list[Tie]]:
    """Return which of `among` share somebody with an entity, and the ties that say so.

    A company that is itself a shareholder counts as somebody, on both sides; former ties count
    like present ones. One step: the friends of friends are not guilty.
    """
    wanted = set(among) - {entity}
    by_who = defaultdict(list)
    mine = {entity}
    for tie in ties:
        by_who[tie.who].append(tie)
        if tie.entity == entity:
            mine.add(tie.who)
    found: dict[str, list[Tie]] = defaultdict(list)
    for who in sorted(mine):
        if who in wanted:  # it owns us
            found[who] += [tie for tie in by_who[who] if tie.entity == entity]
        for tie in by_who[who]:
            if tie.entity in wanted:
                found[tie.entity].append(tie)
    return {code: found[code] for code in sorted(found)}


def companies_of(who: str, ties: Iterable[Tie], role: str) -> list[str]:
    """Return the entities, each once and in order, behind which somebody stands in a role now."""
    return sorted({t.entity for t in ties if t.who == who and t.role == role and not t.former})
