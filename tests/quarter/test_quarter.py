"""A small quarter on a real platform: real processes, sockets, database; a clock that is moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assent.quarter import run
from assent.quarter.run import Options, Quarter, Scale
from assent.quarter.villains import PARAMETERS

STRONG = {"start_day": [1, 1], "complaint_share": [0.2, 0.25], "refusal_share": [0.02, 0.03]}
DAYS = 12
SURE = ("bank_ignoring_refusals", "code_bomber", "consent_forger", "loan_agent")
"""Whom this seed finds in so few days: traffic has to rest for the last three."""


@pytest.fixture
def villains(tmp_path: Path) -> Path:
    """Ranges with which everybody begins on the second day, and is complained of at once."""
    packaged = Path(run.__file__).parents[1] / "data" / "quarter-villains-1.json"
    document = json.loads(packaged.read_text("utf-8"))
    for given in document["villains"].values():
        given |= {name: pair for name, pair in STRONG.items() if name in given}
    path = tmp_path / "villains.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def platform_knows(word: str) -> list[str]:
    """Return processes that have a word in their command, environment or open files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if b"assent.app" not in command or b"simulate" in command:
                continue
            told = [command, (process / "environ").read_bytes()]
            told += [str(one.readlink()).encode() for one in (process / "fd").iterdir()]
        except OSError:
            continue
        found += [process.name] if any(word.encode() in one for one in told) else []
    return found


@pytest.mark.timeout(300)
async def test_a_quarter_on_a_real_platform(
    villains: Path, tmp_path: Path, migrated_url: str
) -> None:
    out, days = tmp_path / "nobody-reads-this", []
    quarter = Quarter(
        Options(3, "own", out, villains, migrated_url, Scale(25, 20.0, 4.0, days=DAYS))
    )
    root = tmp_path / "platform"
    root.mkdir()

    def tell(day: int) -> None:
        days.append(day)
        assert not out.exists(), "truth is written when the platform has ended"
        assert not platform_knows(out.name)
        assert platform_knows(str(root)), "or else nothing was looked at"

    outcome = await quarter.play(root, tell)
    assert len(days) == DAYS
    quarter.keep(outcome)
    told: dict[str, Any] = json.loads((out / "outcome.json").read_text("utf-8"))
    assert told == json.loads(json.dumps(outcome.told()))
    assert {one["kind"] for one in told["villains"]} == set(PARAMETERS)
    assert (told["honest_senders"], told["honest_restricted"]) == (25, 0)
    assert told["messages"] > 1_000
    assert told["complaints"] > 0
    found = {one["kind"]: one for one in told["villains"]}
    for kind in SURE:
        assert found[kind]["found"], found
        assert found[kind]["messages_before"] > 0
        assert 0 < found[kind]["days_to_detection"] < DAYS - 3
    assert told["cases"] >= len(SURE)
    assert told["cases_honest"] == 0
    assert (out / "truth.json").exists()
