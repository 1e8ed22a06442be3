"""What became of each villain and of honest senders: cases and restrictions as the public API tells
them, and what left as the carriers saw it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from assent.quarter.cast import DAYS, Sender
from assent.quarter.plot import Plot
from assent.quarter.receivers import Sent
from assent.quarter.world import World

STOPPED_DAYS: Final = 7
"""Traffic has stopped when nothing left in so many last days, though it was tried each day; in a
quarter of what is played where that is less than four weeks."""
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Case:
    """A case as the API tells it: about whom, and since when."""

    opened_at: float
    sender: str
    account: str
    port: str

    def about(self, one: Sender) -> bool:
        """Tell whether it concerns somebody."""
        return (
            self.sender == one.code
            or (not self.sender and self.account == one.account)
            or self.port in one.ports.values()
        )


def case_of(item: dict[str, Any]) -> Case:
    """Read a case of `GET /v1/cases`."""
    at = datetime.fromisoformat(item["opened_at"]).timestamp()
    words = (item.get("sender"), item.get("account"), item.get("port"))
    return Case(at, *(str(word or "") for word in words))


@dataclass(frozen=True, slots=True)
class Found:
    """One villain. `found`: a case was opened, and its traffic stopped. Days and messages count
    from the day on which it began; `messages_before` left before the case, `messages_after` since.
    `case`: whether one was opened, `stopped`: whether traffic stopped."""

    kind: str
    found: bool
    days_to_detection: float | None
    messages_before: int
    messages_after: int
    case: bool
    stopped: bool


@dataclass(slots=True)
class Outcome:
    """The end of a quarter."""

    seed: int
    scale: str
    villains: list[Found] = field(default_factory=list)
    honest_senders: int = 0
    honest_restricted: int = 0
    messages: int = 0
    complaints: int = 0
    refusals: int = 0
    cases: int = 0
    cases_honest: int = 0
    seconds: float = 0.0

    def told(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "villains": [asdict(one) for one in self.villains],
            "honest_senders": self.honest_senders,
            "honest_restricted": self.honest_restricted,
            **{
                name: getattr(self, name)
                for name in (
                    "seed", "scale", "seconds", "messages", "complaints", "refusals", "cases",
                    "cases_honest",
                )
            },
        }  # fmt: skip


def judge_villain(plot: Plot, cases: Sequence[Case], sent: Sequence[Sent], world: World,
                  days: int = DAYS) -> Found:  # fmt: skip
    """Say whether a villain was found. A case from before its day is about something else."""
    begin = world.at(plot.start, 0)
    quiet = world.at(days, 0) - min(STOPPED_DAYS, days // 4) * _DAY_S
    mine = {one.code for one in plot.senders}
    own = [one.at for one in sent if one.sender in mine and one.at >= begin]
    first = min(
        (
            case.opened_at
            for case in cases
            if case.opened_at >= begin and any(case.about(one) for one in plot.senders)
        ),
        default=None,
    )
    stopped = plot.tried > 0 and not any(at >= quiet for at in own)
    before = len(own) if first is None else sum(at < first for at in own)
    return Found(
        kind=plot.kind,
        found=first is not None and stopped,
        days_to_detection=None if first is None else round((first - begin) / _DAY_S, 2),
        messages_before=before,
        messages_after=len(own) - before,
        case=first is not None,
        stopped=stopped,
    )


def keep_truth(path: Path, plots: Sequence[Plot], honest: Sequence[Sender], seed: int) -> None:
    """Write who was who. Called when the platform has ended: nobody of it can have read this."""
    truth = {
        "seed": seed,
        "villains": [
            {
                "kind": plot.kind,
                "start_day": plot.start,
                "drawn": dict(plot.strength.drawn),
                "senders": [_named(one) for one in plot.senders],
            }
            for plot in plots
        ],
        "honest": [{**_named(one), "rhythm": one.rhythm} for one in honest],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1), encoding="utf-8")


def _named(one: Sender) -> dict[str, Any]:
    return {"code": one.code, "account": one.account, "ports": list(one.ports.values())}
