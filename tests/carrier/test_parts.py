"""Pacing, the timeline, the forms of reports, the histogram: parts that need no socket."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.carrier.health import LATENCY_BOUNDS, Histogram
from assent.carrier.mailbox import Mobile, Receipt
from assent.carrier.pacing import Backoff, Brake, TokenBucket
from assent.carrier.timeline import Timeline
from assent.wire.cmpp import report_body, report_content
from assent.wire.cmpp_forms import deliver_body
from assent.wire.pdus import Report


@given(
    st.floats(0.5, 5000),
    st.lists(st.floats(0, 0.5), min_size=1, max_size=60),
)
def test_a_bucket_never_gives_more_than_rate_and_burst(rate: float, steps: list[float]) -> None:
    bucket = TokenBucket(rate, 0.0)
    now, given_out = 0.0, 0
    for step in steps:
        now += step
        count = bucket.available(now)
        bucket.spend(count)
        given_out += count
        assert given_out <= rate * now + bucket.burst + 1e-3
        assert bucket.available(now) == 0


@given(st.floats(0.5, 5000))
def test_after_its_delay_a_bucket_gives(rate: float) -> None:
    bucket = TokenBucket(rate, 0.0)
    bucket.spend(bucket.available(0.0))
    delay = bucket.delay(0.0)
    assert 0 < delay <= max(1 / rate, 0.05) + 1e-9
    assert bucket.available(delay + 1e-9) >= 1


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_bucket_needs_a_rate(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        TokenBucket(rate, 0.0)


def test_a_brake_settles_below_what_the_smsc_can_take() -> None:
    """An SMSC that can take 300 a second, a link that could send 2,000."""
    now, sent, brake = 0.0, 0, Brake(0, 0.0)
    rates = []
    for _ in range(4000):
        now += 0.01
        bucket = brake.bucket(now)
        count = 20 if bucket is None else min(20, bucket.available(now))
        if bucket is not None:
            bucket.spend(count)
        sent += count
        load = 100 if count / 0.01 > 300 else 70
        rates.append(2000.0 if bucket is None else bucket.rate)
        brake.heard(95 if rates[-1] > 300 else load if bucket is None else 70, sent, now)
    assert rates[:20] == [2000.0] * 20
    settled = rates[2000:]
    assert min(settled) > 200
    assert max(settled) <= 340
    steps = [after / before for before, after in pairwise(settled)]
    assert 0.89 <= min(steps) <= 1 <= max(steps) <= 1.11, "never by a leap"


def test_a_brake_halves_holds_and_lets_go() -> None:
    brake = Brake(0, 0.0)
    assert brake.bucket(0.1) is None
    brake.heard(100, 50, 0.1)  # too early to know how fast it went
    assert brake.bucket(0.1) is None
    brake.heard(100, 100, 1.0)
    bucket = brake.bucket(1.0)
    assert bucket is not None
    assert bucket.rate == 50.0
    brake.heard(85, 150, 2.0)
    assert bucket.rate == 50.0
    brake.heard(20, 200, 3.0)
    assert bucket.rate == pytest.approx(55.0)
    brake.heard(20, 210, 4.0)  # ten a second: it is not the brake that holds it
    assert brake.bucket(4.0) is None
    for second in range(5, 30):
        brake.heard(100, 210 + 100 * (second - 4), float(second))
    slow = brake.bucket(29.0)
    assert slow is not None
    assert slow.rate == Brake.LEAST
    assert brake.bucket(29.0 + Brake.FORGET_S) is slow
    assert brake.bucket(29.1 + Brake.FORGET_S) is None


def test_backoff_doubles_up_to_its_cap() -> None:
    backoff = Backoff(1.0, 10.0, Random(3))
    pauses = [backoff.next() for _ in range(100)]
    for pause, full in zip(pauses, [1, 2, 4, 8, *[10] * 96], strict=True):
        assert full / 2 <= pause <= full
    backoff.reset()
    assert backoff.next() <= 1.0


def test_quantiles() -> None:
    histogram = Histogram()
    assert histogram.quantile(0.5) is None
    histogram.add(0.0005, 98)
    histogram.add(0.3)
    histogram.add(1000.0)
    assert histogram.quantile(0.5) == LATENCY_BOUNDS[0]
    assert histogram.quantile(0.99) == 0.5
    assert histogram.quantile(1.0) == LATENCY_BOUNDS[-1]


async def test_the_timeline_keeps_order_and_is_never_early() -> None:
    loop = asyncio.get_running_loop()
    seen: list[tuple[float, int]] = []
    timeline: Timeline[int] = Timeline(
        loop, lambda items: seen.extend((loop.time(), item) for item in items)
    )
    start = loop.time()
    delays = [0.05, 0.01, 0.03, 0.01, 0.0]
    for number, delay in enumerate(delays):
        timeline.add(start + delay, number)
    assert len(timeline) == 5
    await asyncio.sleep(0.08)
    assert [number for _, number in seen] == [4, 1, 3, 2, 0]
    assert all(at >= start + delays[number] - 1e-6 for at, number in seen)
    timeline.add(loop.time(), 9)
    timeline.close()
    await asyncio.sleep(0.01)
    assert len(seen) == 5


@pytest.mark.parametrize(("version", "short"), [(0x30, False), (0x30, True), (0x20, False)])
def test_reports_are_what_the_protocol_tables_make(version: int, short: bool) -> None:
    report = Report(1 << 63 | 77, "MK:0001", "2611220653", "2611220654", "13800138000", 5)
    receipt = Receipt(
        42, b"10690000", b"13800138000", report.message_id, b"MK:0001", b"2611220653",
        b"2611220654", 5, short,
    )  # fmt: skip
    if short:
        wanted = deliver_body(
            version, message_id=42, destination="10690000", source="13800138000",
            content=report_content(0x20, report), is_report=True,
        )  # fmt: skip
    else:
        wanted = report_body(version, report, deliver_id=42, service_number="10690000")
    assert receipt.body(version) == wanted
    # Addresses may come padded, as they stood in the SUBMIT.
    padded = receipt._replace(access=b"10690000".ljust(21, b"\0"))
    padded = padded._replace(person=b"13800138000".ljust(32, b"\0"))
    assert padded.body(version) == wanted


def test_a_mobile_originated_message() -> None:
    mobile = Mobile(7, "10690000", "13800138000", b"TD", 0, 0)
    assert mobile.body(0x30) == deliver_body(
        0x30, message_id=7, destination="10690000", source="13800138000", content=b"TD"
    )
