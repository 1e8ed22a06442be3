"""One whole run, small: real processes, real sockets, real PostgreSQL; then its records forged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assent.clock import ManualClock
from assent.consent.verify import verify
from assent.demo import cast
from assent.demo.check import judge
from assent.demo.newcomer import Arrival
from assent.demo.records import load
from assent.demo.run import REPORT, ten_o_clock

SOURCE = Path(__file__).parents[2] / "src"
PROMISED = {
    "recipients", "allowed", "rejected", "submitted", "delivered", "replies", "refusals",
    "refusals_confirmed", "confirmations_unsure", "cancelled_in_queue", "withheld",
    "sent_after_confirmation", "sent_without_standing", "code_latency_ms_p50",
    "code_latency_ms_p99", "messages_per_second", "unaccounted", "signed_up",
    "mails", "unverified_refused",
}  # fmt: skip
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The records and the figures of one run."""
    records = tmp_path_factory.mktemp("demo") / "records"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "assent.app.main", "demo", "--size", "600", "--seed", "5"]
    command += ["--json", "--records", str(records)]
    done = subprocess.run(
        command, env=environment, cwd=records.parent, capture_output=True, text=True, timeout=110,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    yield records, json.loads(done.stdout.splitlines()[-1])
    shutil.rmtree(records, ignore_errors=True)


def test_a_run_keeps_every_promise(run: tuple[Path, dict[str, Any]]) -> None:
    _, figures = run
    assert figures.keys() >= PROMISED
    assert figures["differences"] == []
    assert figures["recipients"] == figures["allowed"] + sum(figures["rejected"].values())
    assert {"no_standing", "refused", "over_cap", "duplicate"} <= figures["rejected"].keys()
    assert figures["refusals"] == figures["refusals_confirmed"] > 0
    for name in ("sent_after_confirmation", "sent_without_standing", "unaccounted"):
        assert figures[name] == 0


def test_a_bundle_is_left_that_proves_consent_and_refusal(run: tuple[Path, dict[str, Any]]) -> None:
    records, figures = run
    assert figures["evidence"] == "valid"
    verdict = verify((records / "evidence.zip").read_bytes())
    assert (verdict.exit_code, verdict.faults) == (0, [])
    assert {one["words"]["kind"] for one in verdict.entries} == {"setting", "granted", "withdrawn"}


def test_a_list_that_looks_copied_waits_for_a_reviewer(run: tuple[Path, dict[str, Any]]) -> None:
    """Nearly all readers of the bookshop are customers of the mall, which belongs to others."""
    _, figures = run
    assert figures["consents_reviewed"] == 1


def test_a_customer_comes_anew_and_may_not_send_yet(run: tuple[Path, dict[str, Any]]) -> None:
    _, figures = run
    assert (figures["signed_up"], figures["mails"]) == ("applied", 1)
    assert figures["unverified_refused"]
    page = (run[0] / REPORT).read_text("utf-8")
    assert "signed up by a mail over SMTP" in page
    assert "a mail proves who signs up" in page


GOOD = Arrival("耕云", "applied", ("owner",), ("phone", "account_applied"), 1, False, "no_sender")


def test_an_arrival_that_is_as_it_should_be() -> None:
    assert GOOD.differences() == []


@pytest.mark.parametrize(
    "change",
    [{"guessed": True}, {"status": "active"}, {"roles": ()}, {"todo": ()}, {"mails": 0},
     {"refused": ""}],
)  # fmt: skip
def test_an_arrival_that_is_not_is_told(change: dict[str, Any]) -> None:
    (told,) = replace(GOOD, **change).differences()
    assert told.startswith("sign-up")


def test_a_run_leaves_a_report_that_fetches_nothing(run: tuple[Path, dict[str, Any]]) -> None:
    page = (run[0] / REPORT).read_text("utf-8")
    assert page.count("<svg") == 3
    assert "By province" in page
    assert "按省份" in page
    for outside in ("http://", "https://", "<script", "<link", "src="):
        assert outside not in page


def test_the_records_judge_by_themselves(run: tuple[Path, dict[str, Any]]) -> None:
    judgement = judge(load(run[0]))
    assert judgement.kept
    assert judgement.figures["refusals"] == run[1]["refusals"]


def forge(records: Path, target: Path, change: Callable[[Lines], None]) -> set[str]:
    """Judge a copy of the records in which one carrier's lines were changed."""
    shutil.copytree(records, target)
    for path in target.glob("carrier-*.jsonl"):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        change(lines)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return {line.partition(":")[0] for line in judge(load(target)).differences}


def marketing(lines: Lines) -> Lines:
    port = cast.MALL.ports["marketing"]
    return [line for line in lines if line["command"] == "SUBMIT" and line["source"] == port]


def confirmations(lines: Lines) -> Lines:
    return [line for line in lines if line["source"] == cast.SERVICE_PORT]


def later(lines: Lines) -> None:
    """A refused person hears from the sender again."""
    last = confirmations(lines)[-1]
    again = {**marketing(lines)[0], "destination": last["destination"], "t": lines[-1]["t"] + 1}
    lines.append({**again, "sequence": 10**6})


def twice(lines: Lines) -> None:
    """A marketing message is sent twice."""
    lines.append({**marketing(lines)[0], "sequence": 10**6 + 1})


def stranger(lines: Lines) -> None:
    """A marketing message goes to somebody else."""
    marketing(lines)[0]["destination"] = "13800138000"


def silent(lines: Lines) -> None:
    """A confirmation never came."""
    lines.remove(confirmations(lines)[0])


def lost(lines: Lines) -> None:
    """A code never came."""
    ports = {sender.ports.get("verification") for sender in cast.SENDERS} - {None}
    lines.remove(next(line for line in lines if line["source"] in ports))


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        (later, "silence after the confirmation"),
        (twice, "never twice"),
        (stranger, "standing"),
        (silent, "confirmed exactly once"),
        (lost, "every verification arrives"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_forged_records_are_found(
    run: tuple[Path, dict[str, Any]], tmp_path: Path, change: Callable[[Lines], None], promise: str
) -> None:
    assert promise in forge(run[0], tmp_path / "forged", change)


@pytest.mark.parametrize("hour", [0, 5, 15, 16, 23])
def test_the_demo_begins_at_ten_in_china(hour: int) -> None:
    now = datetime(2026, 3, 8, hour, 30, tzinfo=UTC)
    offset = ten_o_clock(ManualClock(now.timestamp())).offset_s
    begin = datetime.fromtimestamp(now.timestamp() + offset, UTC)
    assert (begin.hour, begin.minute) == (2, 0)
    assert abs(offset) < 86_400
