"""Does an import of consents look like something that happened? Pure checks over its columns.

People come one by one, by day, from many places, with numbers that nobody chose. Whoever makes a
list up writes times and numbers by rule. No check proves anything: a finding is a reason for a
person to look. What chance gives is worked out from the import itself, so that a large honest list
with many neighbours among its numbers is no finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.policy.worth import Limits

_BLOCK: Final = 10_000
"""Numbers are given to places by blocks of ten thousand."""
_SECOND: Final = 1_000
_DAY: Final = 86_400_000
_ZONE: Final = 8 * 3_600_000
"""The country's time."""
_SIGMAS: Final = 4.0

WORDS: Final = {
    "before_sender": ("consents are dated before the sender existed", "同意时间早于发送方成立"),
    "before_programme": (
        "consents are dated before the programme existed, long after it began",
        "同意时间早于项目建立，且项目早已建立",
    ),
    "wording_too_new": (
        "consents are dated before their wording was in use",
        "同意时间早于所示文案的启用时间",
    ),
    "one_second": ("many consents are of one second", "大量同意发生在同一秒"),
    "at_night": ("too many consents are of the night", "夜间同意比例过高"),
    "even_steps": ("consents follow each other in even steps", "同意时间间隔完全相同"),
    "order_of_number": ("consents are dated in the order of the numbers", "同意时间按号码顺序排列"),
    "number_runs": ("numbers stand in runs", "号码成段连续"),
    "number_blocks": ("blocks of numbers are nearly full", "号段几乎被占满"),
    "one_address": ("most consents come from one network address", "多数同意来自同一网络地址"),
    "overlap": ("another customer's list is nearly the same", "与其他客户的名单高度重合"),
    "turned_down_before": (
        "the people are those of an import that was turned down or voided",
        "名单与曾被驳回或作废的导入重合",
    ),
}
"""Code → what it means, English and Chinese."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Somebody else's list: how many people it has, and how many of this import are in it."""

    size: int
    shared: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is looked at: rows of one delivery. Times in milliseconds; 0 in a `..._since` is
    unknown. `addresses`: network address of each row, '' for none. `turned_down`: how many of the
    people stood in imports that were refused or voided."""

    times: NDArray[np.int64]
    numbers: NDArray[np.uint64]
    now_ms: int
    sender_since: int = 0
    programme_since: int = 0
    wording_since: int = 0
    addresses: Sequence[str] = ()
    overlaps: Sequence[Overlap] = ()
    turned_down: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a person should look. `share`: of the rows; `rows`: how many were looked at."""

    code: str
    share: float
    rows: int

    def told(self) -> dict[str, Any]:
        """Return it for staff, in words."""
        en, zh = WORDS[self.code]
        share = round(self.share, 4)
        return {"code": self.code, "en": en, "zh": zh, "share": share, "rows": self.rows}


def findings(delivery: Delivery, limits: Limits) -> list[Finding]:
    """Return what looks made up, in the order of :data:`WORDS`."""
    found = _dates(delivery, limits)
    if len(delivery.times) >= limits.from_rows:
        found += _times(delivery.times, limits)
        found += _order(delivery, limits)
    numbers = np.unique(delivery.numbers)
    if len(numbers) >= limits.from_rows:
        found += _runs(numbers, limits)
    found += _addresses(delivery.addresses, limits)
    if len(numbers) >= limits.from_rows:
        found += _overlaps(delivery, len(numbers), limits)
    return found


def _dates(delivery: Delivery, limits: Limits) -> list[Finding]:
    """What was not there yet. A programme's own first months may bring older consents."""
    late = delivery.now_ms - delivery.programme_since > limits.stock_days * _DAY
    begins = {
        "before_sender": delivery.sender_since,
        "before_programme": delivery.programme_since if late else 0,
        "wording_too_new": delivery.wording_since,
    }
    n = len(delivery.times)
    found = []
    for code, since in begins.items():
        early = int((delivery.times < since).sum()) if since else 0
        # One wrong year among a few rows is a slip.
        if early > limits.early_share * n and (early > 1 or early == n):
            found.append(Finding(code, early / n, n))
    return found


def _times(times: NDArray[np.int64], limits: Limits) -> list[Finding]:
    n = len(times)
    found = []
    _, counts = np.unique(times // _SECOND, return_counts=True)
    top = float(counts.max() / n)
    if top > limits.one_second_share:
        found.append(Finding("one_second", top, n))
    # A date without a time of day is midnight: it says nothing of the night, and is a day apart
    # from the next.
    clock = (times + _ZONE) % _DAY
    timed = times[clock != 0]
    if len(timed) < limits.from_rows:
        return found
    hours = (timed + _ZONE) % _DAY // 3_600_000
    night = float(((hours >= limits.night_hours[0]) & (hours < limits.night_hours[1])).mean())
    # Few rows say little: what chance makes of the limit itself is not beyond it.
    spread = float(np.sqrt(limits.night_share * (1 - limits.night_share) / len(timed)))
    if night > limits.night_share + 2 * spread:
        found.append(Finding("at_night", night, len(timed)))
    gaps = np.diff(np.unique(timed))
    if len(gaps) >= limits.from_rows // 2:
        _, counts = np.unique(gaps, return_counts=True)
        even = float(counts.max() / len(gaps))
        if even > limits.even_step_share:
            found.append(Finding("even_steps", even, len(timed)))
    return found


def _order(delivery: Delivery, limits: Limits) -> list[Finding]:
    n = len(delivery.times)
    if len(np.unique(delivery.times)) < n // 10:
        return []  # nearly no order at all
    both = [_ranks(delivery.times), _ranks(delivery.numbers)]
    if any(np.ptp(ranks) == 0 for ranks in both):
        return []
    correlation = float(np.corrcoef(both[0], both[1])[0, 1])
    if abs(correlation) > limits.order_correlation:
        return [Finding("order_of_number", abs(correlation), n)]
    return []


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each value, equal ones sharing theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: NDArray[np.float64] = ends - (counts - 1) / 2
    return middle[place]


def _runs(numbers: NDArray[np.uint64], limits: Limits) -> list[Finding]:
    """Sorted numbers whose neighbours are there, and numbers that follow each other in one step,
    against what chance gives where each block of numbers is as full as it is here; and blocks that
    are fuller than anybody's customers fill them."""
    n = len(numbers)
    gaps = np.diff(numbers)
    near = gaps <= np.uint64(limits.run_reach)
    neighboured = np.zeros(n, np.bool_)
    neighboured[1:] |= near
    neighboured[:-1] |= near
    _, place, counts = np.unique(
        numbers // np.uint64(_BLOCK), return_inverse=True, return_counts=True
    )
    filled = (counts[place] - 1) / _BLOCK
    chances = [1.0 - (1.0 - filled) ** (2 * limits.run_reach)]
    seen = [float(neighboured.mean())]
    for step in range(1, limits.run_reach + 1):
        chances.append(filled * (1.0 - filled) ** (step - 1))
        seen.append(float((gaps == np.uint64(step)).sum() / n))
    found = []
    for chance, share in zip(chances, seen, strict=True):
        # Neighbours come in twos, so their number spreads wider than single throws would.
        spread = float(np.sqrt(2 * (chance * (1 - chance)).sum()) / n)
        if share - float(chance.mean()) > max(limits.run_excess, _SIGMAS * spread):
            found = [Finding("number_runs", max(seen), n)]
    full = float((filled > limits.full_block).mean())
    if full > limits.full_share:
        found.append(Finding("number_blocks", full, n))
    return found


def _addresses(addresses: Sequence[str], limits: Limits) -> list[Finding]:
    known = [one for one in addresses if one]
    if len(known) < limits.from_rows:
        return []
    share = Counter(known).most_common(1)[0][1] / len(known)
    if share <= limits.one_address_share:
        return []
    return [Finding("one_address", share, len(known))]


def _overlaps(delivery: Delivery, n: int, limits: Limits) -> list[Finding]:
    """Customers of two honest senders meet; two copies of one list are the same people. So what
    counts is how much of both lists together is in both: a large list that holds many of a small
    one is no finding, unless it holds nearly all."""
    found = []
    both = max((o.shared / max(1, n + o.size - o.shared) for o in delivery.overlaps), default=0.0)
    within = max((o.shared / n for o in delivery.overlaps), default=0.0)
    if both > limits.overlap_share or within > limits.contained_share:
        found.append(Finding("overlap", within, n))
    again = delivery.turned_down / n
    if again > limits.overlap_share:
        found.append(Finding("turned_down_before", again, n))
    return found
