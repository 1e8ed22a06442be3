"""A small quarter on a real platform: real processes, sockets, database; a clock that is moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assent.quarter import run
from assent.quarter.run import Options, Quarter, Scale
from assent.quarter.villains import PARAMETERS

EARLY = {"start_day": [2, 3]}


@pytest.fixture
def villains(tmp_path: Path) -> Path:
    """Ranges with which everybody begins early and writes little."""
    packaged = Path(run.__file__).parents[1] / "data" / "quarter-villains-1.json"
    document = json.loads(packaged.read_text("utf-8"))
    for given in document["villains"].values():
        given |= EARLY
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


async def test_a_quarter_on_a_real_platform(
    villains: Path, tmp_path: Path, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run.SCALES, "tiny", Scale(25, 20.0, 4.0, days=8))
    out, days = tmp_path / "nobody-reads-this", []
    quarter = Quarter(Options(3, "tiny", out, villains, migrated_url))
    root = tmp_path / "platform"
    root.mkdir()

    def tell(day: int) -> None:
        days.append(day)
        assert not out.exists(), "truth is written when the platform has ended"
        assert not platform_knows(out.name)
        assert platform_knows(str(root)), "or else nothing was looked at"

    outcome = await quarter.play(root, tell)
    assert len(days) == 8
    quarter.keep(outcome)
    told: dict[str, Any] = json.loads((out / "outcome.json").read_text("utf-8"))
    assert told == json.loads(json.dumps(outcome.told()))
    assert {one["kind"] for one in told["villains"]} == set(PARAMETERS)
    assert (told["honest_senders"], told["honest_restricted"]) == (25, 0)
    assert told["messages"] > 1_000
    assert told["complaints"] > 0
    left = {one["kind"]: one["messages_before"] + one["messages_after"] for one in told["villains"]}
    assert all(left[kind] for kind in ("code_bomber", "consent_forger", "coordinated_group")), left
    assert (out / "truth.json").exists()
