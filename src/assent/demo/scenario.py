"""Who is in the audiences, drawn from a seed: numbers, consents, refusals of earlier days.

The same seed and size give the same play to the last digit; another seed changes every number
and every order. Numbers come from the prefixes of the platform's own number table, over three
networks and all provinces; whether somebody owns such a number is pure chance, and nothing of
the demonstration ever leaves this machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from assent.demo.cast import BOOKS, MALL, MARKET, Sender
from assent.message import Network
from assent.numbers import NumberTable, parse
from assent.numbers.segments import SEGMENT_NETWORK

_NETWORKS: Final = {Network.MOBILE: 55, Network.UNICOM: 22, Network.TELECOM: 23}
_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹"
_TITLES: Final = ("先生", "女士")

WRONG_SHARE: Final = 0.02
REPEATED_SHARE: Final = 0.015
ABROAD_SHARE: Final = 0.002
STRANGER_SHARE: Final = 0.06
WITHDRAWN_SHARE: Final = 0.03
GREETED_SHARE: Final = 0.03
ANNOUNCED_SHARE: Final = 0.12
SHARED_SHARE: Final = 0.45
OWN_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Row:
    """A line of an audience file, as its owner wrote it."""

    number: str
    name: str
    points: str


@dataclass(frozen=True, slots=True)
class Code:
    """A verification code to be sent while campaigns run."""

    sender: Sender
    number: str
    code: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that is decided before the play begins.

    `audience`: the file of the first and the second campaign. `greeted`: got a marketing text
    of the mall in the morning. `announced`: to get one of the market while the first campaign
    runs. `withdrawn`: refused the mall's group at a counter. `strangers`: never agreed.
    `readers`: the other sender's own file. `consents`: sender's code → (number, days ago).
    """

    seed: int
    audience: list[Row]
    greeted: list[Row]
    announced: list[Row]
    readers: list[Row]
    withdrawn: list[str]
    strangers: list[str]
    consents: dict[str, list[tuple[str, float]]]
    codes: list[Code]


def draw(seed: int, size: int, table: NumberTable | None = None) -> Scenario:
    """Draw a play with `size` lines in the main audience (at least 100)."""
    rng = Random(f"assent-demo-{seed}")
    numbers = _numbers(rng, table or NumberTable.load())
    wrong, repeated, abroad = (
        max(4, round(size * share)) for share in (WRONG_SHARE, REPEATED_SHARE, ABROAD_SHARE)
    )
    people = [next(numbers) for _ in range(size - wrong - repeated - abroad)]
    foreign = [_foreign(rng) for _ in range(abroad)]
    n = len(people)
    strangers, withdrawn, greeted, members = _parted(
        people, round(n * STRANGER_SHARE), round(n * WITHDRAWN_SHARE), round(n * GREETED_SHARE)
    )
    rows = [_row(rng, number) for number in people]
    again = [_row(rng, _respelt(rng, number)) for number in rng.sample(members, repeated)]
    bad = [_row(rng, _wrong(rng)) for _ in range(wrong)]
    audience = rows + again + bad + [_row(rng, number) for number in foreign]
    rng.shuffle(audience)
    readers = rng.sample(people, round(n * SHARED_SHARE)) + [
        next(numbers) for _ in range(round(n * OWN_SHARE))
    ]
    agreed = [*people[len(strangers) :], *foreign]
    return Scenario(
        seed=seed,
        audience=audience,
        greeted=[_row(rng, number) for number in greeted],
        announced=[_row(rng, number) for number in rng.sample(members, round(n * ANNOUNCED_SHARE))],
        readers=[_row(rng, number) for number in readers],
        withdrawn=withdrawn,
        strangers=strangers,
        consents={
            MALL.code: _dated(rng, agreed),
            MARKET.code: _dated(rng, agreed),
            BOOKS.code: _dated(rng, rng.sample(readers, round(len(readers) * 0.97))),
        },
        codes=_codes(rng, people, size),
    )


def _numbers(rng: Random, table: NumberTable) -> Iterator[str]:
    """Yield different mainland numbers: first one of every network in every province."""
    codes = table.codes[:-1]
    network, province = codes & 7, (codes >> 8) & 255
    resold = (codes & 8) != 0
    given = np.repeat(SEGMENT_NETWORK[300:1000], 1_000) > 0  # beginnings 1300 to 1999
    usable = {each: (network == each) & (province > 0) & ~resold & given for each in _NETWORKS}
    prefixes = {each: np.flatnonzero(mask).tolist() for each, mask in usable.items()}
    seen: set[int] = set()

    def number(prefix: int) -> str | None:
        value = (1_300_000 + prefix) * 10_000 + rng.randrange(10_000)
        if value in seen:
            return None
        seen.add(value)
        return str(value)

    for place in range(1, len(table.provinces)):
        for mask in usable.values():
            found = np.flatnonzero(mask & (province == place)).tolist()
            if found and (drawn := number(rng.choice(found))):
                yield drawn
    names, weights = list(_NETWORKS), list(_NETWORKS.values())
    while True:
        if drawn := number(rng.choice(prefixes[rng.choices(names, weights)[0]])):
            yield drawn


def _foreign(rng: Random) -> str:
    """Return a number of Hong Kong: valid, but none of the three carriers reaches it."""
    while parse([number := f"+852 9{rng.randrange(10**7):07d}"]).fault[0]:
        pass
    return number


def _parted(people: list[str], *sizes: int) -> list[list[str]]:
    """Return consecutive parts of the given sizes, and the rest."""
    parts, start = [], 0
    for size in sizes:
        parts.append(people[start : start + size])
        start += size
    return [*parts, people[start:]]


def _row(rng: Random, number: str) -> Row:
    name = rng.choice(_SURNAMES) + rng.choice(_TITLES)
    return Row(number, name, str(rng.randrange(50, 9_000)))


def _respelt(rng: Random, number: str) -> str:
    """Return a number as somebody else in the same firm would have typed it."""
    full = number.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    spaced = f"{number[:3]} {number[3:7]} {number[7:]}"
    return rng.choice([number, f"+86 {spaced}", f"0086{number}", spaced.replace(" ", "-"), full])


def _wrong(rng: Random) -> str:
    digits = f"{rng.randrange(10**8):08d}"
    return rng.choice(
        ["", "无", f"138{digits[:7]}", f"139{digits}00", f"0571{digits}", f"120{digits}", "95588",
         f"1.3{digits[:4]}E+10", f"139{digits[:4]}****"]
    )  # fmt: skip


def _dated(rng: Random, numbers: list[str]) -> list[tuple[str, float]]:
    """Draw when each agreed, in days before ten in the morning: while shops are open, 09:00 to
    21:00, as people do."""
    return [(number, rng.randrange(2, 700) + rng.uniform(-11, 1) / 24) for number in numbers]


def _codes(rng: Random, people: list[str], size: int) -> list[Code]:
    """Draw who logs in meanwhile: anybody, whether she agreed to advertisements or not."""
    count = max(40, min(240, size // 80))
    return [
        Code((MALL, BOOKS)[place % 2], number, f"{rng.randrange(10**6):06d}")
        for place, number in enumerate(rng.sample(people, count))
    ]
