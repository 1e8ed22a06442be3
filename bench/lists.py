"""Lists of consents as honest senders have them, and as people make them up: to measure how often
the checks of imports (policy/imports.py) cry wolf, and what they find.

    PYTHONPATH=src:. python -m bench.lists [LISTS]

Everything is drawn by chance from a seed. The honest ones are of the kinds that look odd: a town
with few blocks of numbers, dates without a time of day, a fair of two days, companies whose numbers
stand side by side, an online shop at night.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from assent.policy.imports import Delivery, Overlap, findings
from assent.policy.rulebook import Rulebook

NOW_MS: Final = 1_795_312_800_000
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
_ZONE: Final = 8 * HOUR
_HEADS: Final = (8613900, 8613800, 8613000, 8618600, 8613300, 8618900, 8615000)
Rng = np.random.Generator
Times = NDArray[np.int64]
Numbers = NDArray[np.uint64]


def blocks(rng: Rng, count: int) -> NDArray[np.int64]:
    """Return blocks of ten thousand numbers as a place has them."""
    return rng.choice(_HEADS, count) * 100 + rng.choice(100, count) + rng.choice(50, count) * 10_000


def drawn(rng: Rng, n: int, of: NDArray[np.int64]) -> Numbers:
    """Return numbers of people who happen to have one in some blocks."""
    return (rng.choice(of, n) * 10_000 + rng.integers(0, 10_000, n)).astype(np.uint64)


def by_day(rng: Rng, n: int, days: int, hour: float = 14.5, spread: float = 3.0) -> Times:
    """Return times spread over days, about an hour of the day."""
    day = (NOW_MS - rng.integers(1, days + 1, n) * DAY + _ZONE) // DAY * DAY - _ZONE
    clock = rng.normal(hour, spread, n) % 24
    return (day + (clock * HOUR).astype(np.int64)).astype(np.int64)


def town(rng: Rng, n: int) -> Delivery:
    """A shop's form in a small town: few blocks, opening hours."""
    return Delivery(by_day(rng, n, 700), drawn(rng, n, blocks(rng, 30)), NOW_MS)


def online(rng: Rng, n: int) -> Delivery:
    """An online shop: the whole country, evenings, some nights."""
    return Delivery(by_day(rng, n, 400, 20.5, 3.4), drawn(rng, n, blocks(rng, 20_000)), NOW_MS)


def dates_only(rng: Rng, n: int) -> Delivery:
    """Paper slips: a date and no time of day."""
    times = (by_day(rng, n, 300) + _ZONE) // DAY * DAY - _ZONE
    return Delivery(times, drawn(rng, n, blocks(rng, 60)), NOW_MS)


def fair(rng: Rng, n: int) -> Delivery:
    """A fair of two days, people signing every few seconds."""
    return Delivery(by_day(rng, n, 2, 13.0, 2.0), drawn(rng, n, blocks(rng, 500)), NOW_MS)


def companies(rng: Rng, n: int) -> Delivery:
    """Business customers: a sixth of the numbers stand side by side in small runs."""
    few = max(1, n // 30)
    starts = drawn(rng, few, blocks(rng, 200))
    runs = (starts[:, None] + np.arange(5, dtype=np.uint64)).ravel()
    numbers = np.concatenate([runs, drawn(rng, n - min(n, len(runs)), blocks(rng, 200))])[:n]
    rng.shuffle(numbers)
    return Delivery(by_day(rng, n, 500, 11.0, 2.5), numbers, NOW_MS)


def utility(rng: Rng, n: int) -> Delivery:
    """A town's waterworks: a fifth of all numbers of its few blocks, and addresses of a portal."""
    of = blocks(rng, max(1, n // 2_000))
    addresses = [f"10.{a}.{b}.{c}" for a, b, c in rng.integers(0, 250, (n, 3))]
    other = Overlap(size=400_000, shared=n // 3)  # a bank has a third of them, too
    numbers = np.unique(drawn(rng, n, of))
    times = by_day(rng, len(numbers), 900)
    numbers = rng.permutation(numbers)
    return Delivery(times, numbers, NOW_MS, addresses=addresses, overlaps=[other])


def run_of_numbers(rng: Rng, n: int) -> Delivery:
    """Numbers counted up."""
    start = int(blocks(rng, 1)[0]) * 10_000
    numbers = start + np.arange(n, dtype=np.uint64) * int(rng.integers(1, 4))
    return Delivery(by_day(rng, n, 300), rng.permutation(numbers), NOW_MS)


def half_counted(rng: Rng, n: int) -> Delivery:
    """Half of them counted up, half of them real."""
    start = int(blocks(rng, 1)[0]) * 10_000
    counted = start + np.arange(n // 2, dtype=np.uint64)
    numbers = np.concatenate([counted, drawn(rng, n - n // 2, blocks(rng, 300))])
    return Delivery(by_day(rng, n, 300), rng.permutation(numbers), NOW_MS)


def one_moment(rng: Rng, n: int) -> Delivery:
    """A real list with one time for everybody."""
    times = np.full(n, NOW_MS - 30 * DAY + 10 * HOUR, np.int64)
    return Delivery(times, drawn(rng, n, blocks(rng, 100)), NOW_MS)


def any_time(rng: Rng, n: int) -> Delivery:
    """Times drawn evenly over day and night."""
    times = NOW_MS - rng.integers(DAY, 300 * DAY, n)
    return Delivery(times, drawn(rng, n, blocks(rng, 100)), NOW_MS)


def ticking(rng: Rng, n: int) -> Delivery:
    """Times that a program counted up."""
    step = int(rng.integers(1, 60)) * 1_000
    times = NOW_MS - 30 * DAY + 9 * HOUR + np.arange(n) * step
    return Delivery(times.astype(np.int64), drawn(rng, n, blocks(rng, 100)), NOW_MS)


def sorted_by_both(rng: Rng, n: int) -> Delivery:
    """Plausible times, given to the numbers in their order."""
    numbers = np.sort(drawn(rng, n, blocks(rng, 100)))
    return Delivery(np.sort(by_day(rng, n, 300)), numbers, NOW_MS)


def whole_blocks(rng: Rng, n: int) -> Delivery:
    """Half of all numbers of some blocks, by chance."""
    numbers = rng.permutation(np.unique(drawn(rng, n, blocks(rng, max(1, n // 8_000)))))
    return Delivery(by_day(rng, len(numbers), 300), numbers, NOW_MS)


def bought(rng: Rng, n: int) -> Delivery:
    """Two customers bought halves of one list."""
    other = Overlap(size=n, shared=n // 2)
    return Delivery(
        by_day(rng, n, 300), drawn(rng, n, blocks(rng, 2_000)), NOW_MS, overlaps=[other]
    )


def one_desk(rng: Rng, n: int) -> Delivery:
    """Web consents that one machine clicked."""
    addresses = ["203.0.113.7" if rng.random() < 0.8 else f"10.0.0.{i % 250}" for i in range(n)]
    return Delivery(
        by_day(rng, n, 60), drawn(rng, n, blocks(rng, 2_000)), NOW_MS, addresses=addresses
    )


Maker = Callable[[Rng, int], Delivery]
HONEST: Final[tuple[Maker, ...]] = (town, online, dates_only, fair, companies, utility)
FORGED: Final[dict[Maker, str]] = {
    run_of_numbers: "number_runs",
    half_counted: "number_runs",
    one_moment: "one_second",
    any_time: "at_night",
    ticking: "even_steps",
    sorted_by_both: "order_of_number",
    whole_blocks: "number_blocks",
    bought: "overlap",
    one_desk: "one_address",
}
"""Maker → the finding that it brings, from 1,000 rows on."""
SIZES: Final = (100, 300, 1_000, 5_000, 10_000)


def main(lists: int) -> None:
    """Print how many lists of each kind and size bring findings."""
    limits = Rulebook.load().worth.imports
    sizes = " | ".join(f"{size:,}" for size in SIZES)
    print(f"| of {lists} lists with rows: | {sizes} |\n|---|{'---|' * len(SIZES)}")
    for maker in (*HONEST, *FORGED):
        cells = []
        for size in SIZES:
            made = (maker(np.random.default_rng([seed, size, 7]), size) for seed in range(lists))
            cells.append(str(sum(bool(findings(one, limits)) for one in made)))
        kind = "honest" if maker in HONEST else "made up"
        print(f"| {kind}: {maker.__name__.replace('_', ' ')} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
