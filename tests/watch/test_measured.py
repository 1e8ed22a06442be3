"""Measured on senders that are made up: honest ones are left in peace, villains are found."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assent.errors import InvalidInput
from assent.watch.history_facts import records_of
from assent.watch.measured import measure
from assent.watch.reading import PLACES
from assent.watch.rules import Rules
from assent.watch.simulated import KINDS, VILLAINS, Plan, world

RULES = Rules.load()


def test_honest_senders_are_left_in_peace_and_villains_found() -> None:
    """A thousand honest senders over four weeks after six, of a seed that no number was chosen on;
    `python -m bench warning` measures whole quarters."""
    figures = measure([(77, world(77, Plan(days=70, each=2, earliest=44)))], RULES, 24, 43)
    honest = figures["honest"]
    assert honest["senders"] == 1_000
    assert honest["grave"]["rate"] <= 0.001
    assert honest["gravest"]["hits"] == 0
    kinds = figures["villains"]
    assert set(kinds) == set(KINDS)
    seen = sum(kind["by_own_detector"]["hits"] for kind in kinds.values())
    assert seen >= 0.7 * 2 * len(KINDS)
    found = [kind["found"]["hits"] for name, kind in kinds.items()
             if name not in ("surger", "silent", "blocked")]  # fmt: skip
    # Those three alone are no offence, so theirs are alarms of severity 1.
    assert sum(found) >= 0.7 * 2 * len(found)
    assert kinds["launderer"]["median_days"] < 2


def test_a_world_is_its_seed_and_its_file(tmp_path: Path) -> None:
    plan = Plan(20, 60, 1)
    one, same, other = world(5, plan), world(5, plan), world(6, plan)
    for name, column in one.records.counts.items():
        assert (column == same.records.counts[name]).all()
    assert len(other.records) != len(one.records)
    drawn = msgspec.json.decode(VILLAINS.read_bytes())
    drawn["generated"]["beside"] = [1.0, 1.0]
    own = tmp_path / "villains.json"
    own.write_bytes(msgspec.json.encode(drawn))
    changed = world(5, Plan(20, 60, 1, own))
    (villain,) = [n for n, kind in changed.villains.items() if kind == "generated"]
    rows = (changed.records.sender == villain) & (
        changed.records.hour >= changed.begins[villain]
    ) & (changed.records.counts["looked"] > 0)  # fmt: skip
    looked, beside = (changed.records.counts[name][rows] for name in ("looked", "beside"))
    assert len(looked)
    assert (looked == beside).all()


BEGIN = datetime(2026, 11, 2, tzinfo=UTC).timestamp()


def history(path: Path, rows: list[tuple[int, float, int, int, int, str]]) -> Path:
    """Write events: kind, seconds after the beginning, sender, person, purpose, category."""
    kind, after, sender, person, purpose, category = zip(*rows, strict=True)
    at = ((np.array(after) + BEGIN) * 1_000).astype("datetime64[ms]")
    columns = {"kind": kind, "accepted_at": at, "sender": sender, "account": sender,
               "port": sender, "purpose": purpose, "person": person,
               "category": category}  # fmt: skip
    pq.write_table(pa.table(columns), path)
    return path


def test_history_comes_to_the_same_columns(tmp_path: Path) -> None:
    hour = 3_600.0
    first = history(tmp_path / "1.parquet", [
        (1, 10, 1, 7, 3, "retail"), (2, 10, 1, 7, 3, "retail"), (1, 20, 1, 8, 3, "loan"),
        (3, 20, 1, 8, 3, "loan"), (1, hour + 1, 1, 7, 3, "retail"),
        (4, hour + 1, 1, 7, 3, "retail"),
        (1, 30, 2, 7, 2, "notice"), (1, 30, 9, 7, 5, "notice"),
    ])  # fmt: skip
    codes = [(1, 60.0 * n, 3, 5, 1, "code") for n in range(8)]
    far = [(1, 60.0 * n, 3, n + 10, 1, "code") for n in range(4)]
    second = history(tmp_path / "2.parquet", [*codes, *far])
    found = records_of([first, second], RULES)

    def total(name: str, sender: int) -> int:
        return int(found.counts[name][found.sender == sender].sum())

    assert {name: total(name, 1) for name in ("submitted", "delivered", "failed", "refused",
                                              "commercial", "strangers")} == {
        "submitted": 3, "delivered": 1, "failed": 1, "refused": 1, "commercial": 3, "strangers": 2,
    }  # fmt: skip
    assert (total("submitted", 2), total("commercial", 2), total("strangers", 2)) == (1, 0, 1)
    assert total("submitted", 9) == 0  # the operator's own words
    assert (total("submitted", 3), total("again", 3), total("pressed", 3)) == (12, 7, 8)
    loans = found.category == PLACES["loan"]
    assert found.counts["submitted"][loans].tolist() == [1]
    assert sorted(set(found.hour.tolist())) == [BEGIN // hour, BEGIN // hour + 1]
    broken = tmp_path / "3.parquet"
    broken.write_bytes(b"PAR1")
    with pytest.raises(InvalidInput) as raised:
        records_of([broken], RULES)
    assert raised.value.code == "bad_history"
