"""The acceptance table of documents (acceptance.md), cell by cell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from assent.message import Purpose
from assent.registry.papers import Opening, Paper, Qualified, Seen
from assent.registry.qualify import agent, base, operator, qualify
from assent.registry.table import PURPOSES
from tests.registry.given import TABLE, TODAY, paper

CELLS = {"no": Opening.NO, "some days": Opening.PROVISIONAL, "full": Opening.FULL}
WAYS = ("in process", "scan", "paper", "call-back", "signature", "register")
ANY_AGENT = "of any sender, but not its marketing of finance"


@dataclass(frozen=True)
class Row:
    who: str
    purpose: str
    papers: tuple[tuple[str, ...], ...]  # for each: the kinds of which one will do
    least: tuple[str, ...]  # for each: the way it must have been seen at least
    opens: dict[str, Opening]

    def __str__(self) -> str:
        return f"{self.who}-{self.purpose}"


def read() -> list[Row]:
    text = (Path(__file__).parent / "acceptance.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert head == ["who", "purpose", "papers", *WAYS]
    return [row(*cells) for cells in rows]


def row(who: str, purpose: str, papers: str, *cells: str) -> Row:
    wanted = [] if papers == "closed" else [one.split("@") for one in papers.split(", ")]
    return Row(
        who,
        purpose,
        tuple(tuple(one[0].split("/")) for one in wanted),
        tuple(one[1] if one[1:] else "paper" for one in wanted),
        {way: CELLS[cell] for way, cell in zip(WAYS, cells, strict=True)},
    )


ROWS = read()


def made(kind: str, way: str, number: int) -> Paper:
    """A paper of a kind (`name[SCOPE]`) that was seen in a way; a scan has some days left."""
    name, scope = re.fullmatch(r"(\w+)(?:\[(\w+)\])?", kind).groups()  # type: ignore[union-attr]
    if way == "in process":
        held = paper(name, Seen.NONE, id=number, accepted=False)
    else:
        held = paper(name, Seen[way.replace("-", "_").upper()], id=number)
    until = TODAY + timedelta(days=3) if way == "scan" else None
    return replace(held, scope=frozenset({scope} - {None}), provisional_until=until)


def asked(row: Row, held: list[Paper]) -> Qualified:
    if row.who == "every account":
        return base(TABLE, held, TODAY)
    if row.who == "the operator":
        return operator(TABLE, held, TODAY)
    if row.who == "an agent":
        if row.purpose == ANY_AGENT:
            return agent(TABLE, "retail", Purpose.MARKETING, held, TODAY)
        return agent(
            TABLE, row.purpose.removeprefix("marketing of "), Purpose.MARKETING, held, TODAY
        )
    return qualify(TABLE, row.who, Purpose[row.purpose.upper()], held, TODAY)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_cell(row: Row) -> None:
    every_kind = sorted({kind for kinds in row.papers for kind in kinds})
    for way, opening in row.opens.items():
        if not row.papers:
            assert opening is Opening.NO
            allpapers = [
                made(kind, way, n) for n, kind in enumerate([*TABLE.kinds, "telecom_licence[B25]"])
            ]
            assert asked(row, allpapers).opening is Opening.NO
            continue
        for choice in product(*row.papers):
            held = [made(kind, way, number) for number, kind in enumerate(choice, 1)]
            assert asked(row, held).opening is opening, (way, choice)
            for missing in range(len(held)):
                # All other papers there are do not stand in for the one that is missing.
                others = [
                    made(kind, way, 100 + number)
                    for number, kind in enumerate(TABLE.kinds)
                    if kind not in [k.partition("[")[0] for k in every_kind]
                ]
                less = held[:missing] + held[missing + 1 :] + others
                assert asked(row, less).opening is Opening.NO, (way, choice[missing])


@pytest.mark.parametrize("row", [row for row in ROWS if row.papers], ids=str)
def test_each_paper_must_be_seen_as_well_as_the_row_says(row: Row) -> None:
    def held(least: list[str]) -> list[Paper]:
        given = zip(row.papers, least, strict=True)
        return [made(kinds[0], way, number) for number, (kinds, way) in enumerate(given, 1)]

    assert asked(row, held([*row.least])).opening is Opening.FULL
    for at, way in enumerate(row.least):
        worse = [*row.least]
        worse[at] = WAYS[WAYS.index(way) - 1]
        assert asked(row, held(worse)).opening < Opening.FULL


def test_no_cell_is_missing_and_none_twice() -> None:
    counted = Counter((row.who, row.purpose) for row in ROWS)
    assert set(counted.values()) == {1}
    finance = [name for name, industry in TABLE.industries.items() if industry.finance]
    assert set(counted) == {
        *product(TABLE.industries, [purpose.name.lower() for purpose in PURPOSES]),
        ("every account", "-"),
        ("the operator", "-"),
        ("an agent", ANY_AGENT),
        *(("an agent", f"marketing of {name}") for name in finance),
    }


def test_agents_need_the_same_for_every_other_message() -> None:
    [row] = [row for row in ROWS if row.purpose == ANY_AGENT]
    held = [made(kinds[0], "register", number) for number, kinds in enumerate(row.papers, 1)]
    for name, purpose in product(TABLE.industries, PURPOSES):
        if not (TABLE.industries[name].finance and purpose is Purpose.MARKETING):
            assert agent(TABLE, name, purpose, held, TODAY).opening is Opening.FULL
            assert agent(TABLE, name, purpose, held[1:], TODAY).opening is Opening.NO
