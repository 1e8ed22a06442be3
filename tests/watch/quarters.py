"""Complaints of three quarters as centres publish them, made from what was published: the shares of
port type and of loans and financing, and the places of two banks. Nobody is in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
CARRIERS: Final = ("中国移动", "中国联通", "中国电信")
PROVINCES: Final = ("北京", "广东", "江苏", "四川", "")
LENDING: Final = ("贷款融资", "网络贷款")
OTHERS: Final = ("零售", "催收", "投资理财", "教育培训", "诈骗", "其他", "")
BOC, CCB = "95566", "95533"
OWNERS: Final = {BOC: "中国银行", CCB: "中国建设银行"}
COLUMNS: Final = (
    "举报编号", "举报时间", "被举报号码", "号码类型", "运营商", "省份", "内容类型", "品牌"
)  # fmt: skip


@dataclass(frozen=True)
class Quarter:
    """`port` and `lending` are counts among `complaints`; `places` is who stands where among ports,
    counted from 1."""

    year: int
    quarter: int
    complaints: int
    port: int
    lending: int
    places: dict[str, int]


# The totals are no round numbers, so that the shares come by rounding: 69.8, 86.0, 87.5 % of port
# type and 36.4, 26.0, 61.9 % of loans and financing.
QUARTERS: Final = (
    Quarter(2025, 1, 1_873, 1_308, 681, {BOC: 3, CCB: 8}),
    Quarter(2025, 2, 2_137, 1_838, 556, {BOC: 2, CCB: 4}),
    Quarter(2025, 3, 2_411, 2_110, 1_493, {BOC: 14, CCB: 8}),
)
SHARES: Final = {"port": [69.8, 86.0, 87.5], "lending": [36.4, 26.0, 61.9]}
RANKED: Final = 16


def complaints(quarter: Quarter, draw: Random) -> Iterator[dict[str, str]]:
    """Yield the complaints of a quarter in an order of chance."""
    numbers = port_numbers(quarter)
    kinds = [draw.choice(LENDING) for _ in range(quarter.lending)]
    kinds += [draw.choice(OTHERS) for _ in range(quarter.complaints - quarter.lending)]
    draw.shuffle(kinds)
    order = list(range(quarter.complaints))
    draw.shuffle(order)
    begin = datetime(quarter.year, quarter.quarter * 3 - 2, 1, tzinfo=CHINA)
    for place in order:
        port = place < quarter.port
        number = numbers[place] if port else f"139{draw.randrange(10**8):08d}"
        at = begin + timedelta(seconds=draw.randrange(90 * 86_400))
        cells = (
            f"{quarter.year}Q{quarter.quarter}-{place}", f"{at:%Y-%m-%d %H:%M:%S}", number,
            "端口类" if port else "点对点", draw.choice(CARRIERS), draw.choice(PROVINCES),
            kinds[place], OWNERS.get(number, f"公司{number[-2:]}" if port else ""),
        )  # fmt: skip
        yield dict(zip(COLUMNS, cells, strict=True))


def port_numbers(quarter: Quarter) -> list[str]:
    """Return the number of each complaint of port type: sixteen ports in a row of places, each with
    fewer than the one before, and the rest spread over many small ones."""
    at = {place: number for number, place in quarter.places.items()}
    numbers: list[str] = []
    for place in range(1, RANKED + 1):
        numbers += [at.get(place, f"1069{place:04d}")] * (60 - 2 * place)
    rest = quarter.port - len(numbers)
    return numbers + [f"10690{quarter.quarter}{n % 200:04d}" for n in range(rest)]


def as_csv(rows: Iterator[dict[str, str]]) -> str:
    """Return complaints as the file of a centre."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
