"""Villains' file, draws, and how a quarter is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assent.errors import InvalidInput
from assent.quarter.cast import DAYS, honest
from assent.quarter.outcome import Case, judge_villain, keep_truth
from assent.quarter.plot import Plot
from assent.quarter.plots import PLOTS, plots
from assent.quarter.receivers import Sent
from assent.quarter.register import Cast, register
from assent.quarter.run import Options, Quarter
from assent.quarter.villains import PARAMETERS, draw, load
from assent.quarter.world import START
from bench.quarter import Plan


def document(**changed: Any) -> dict[str, Any]:
    found = {kind: {name: list(pair) for name, pair in one.items()} for kind, one in load().items()}
    return {"version": 1, "villains": found} | changed


def test_the_packaged_file_names_every_villain() -> None:
    assert set(load()) == set(PARAMETERS) == set(PLOTS)


def test_strength_is_drawn_within_its_ranges_and_by_seed() -> None:
    ranges = load()
    several = [draw(ranges, seed) for seed in range(30)]
    for strengths in several:
        for one in strengths:
            for name, (low, high) in ranges[one.kind].items():
                assert low <= one.drawn[name] <= high
    assert draw(ranges, 3) == draw(ranges, 3)
    assert len({one[0].drawn["a_day"] for one in several}) > 10
    stronger = draw(ranges, 3, 2.0)
    assert all(
        b.drawn["a_day"] == 2 * a.drawn["a_day"]
        for a, b in zip(draw(ranges, 3), stronger, strict=True)
        if "a_day" in a.drawn
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 2}, "version"),
        ({"villains": {}}, "villains"),
        ({"villains": {"burglar": {}}}, "villains.burglar"),
        ({"villains": {"code_bomber": {"start_day": [1, 2]}}}, "villains.code_bomber"),
    ],
)
def test_a_wrong_file_is_told_by_its_field(
    change: dict[str, Any], field: str, tmp_path: Path
) -> None:
    path = tmp_path / "villains.json"
    path.write_text(json.dumps(document(**change)), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        load(path)
    assert (caught.value.code, caught.value.field) == ("bad_villains", field)


@pytest.mark.parametrize("pair", [[2], [3, 2], [-1, 2], [0.1, "2"], [0, 81], [True, 2], "ab"])
def test_a_wrong_range_is_told(pair: Any, tmp_path: Path) -> None:
    given = document()
    given["villains"]["loan_agent"]["start_day"] = pair
    path = tmp_path / "villains.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        load(path)
    assert caught.value.field == "villains.loan_agent.start_day"


def test_a_thousand_honest_senders_of_many_trades_and_rhythms() -> None:
    senders = honest(1_000, 7, 6.0, 5.0)
    assert len({one.code for one in senders}) == len({one.signature for one in senders}) == 1_000
    assert len({one.industry for one in senders}) >= 12
    assert {one.rhythm for one in senders} == {
        "steady", "bursty", "seasonal", "growing", "new", "returning",
    }  # fmt: skip
    assert all(one.days and max(one.days) < DAYS for one in senders)
    ports = [number for one in senders for number in one.ports.values()]
    assert len(ports) == len(set(ports))


def test_a_bench_of_a_million_messages_is_about_that_large() -> None:
    scale = Plan().scale()
    made = honest(scale.senders, 9, scale.orders, scale.receivers)
    assert 800_000 < sum(sum(one.days.values()) for one in made) < 1_200_000


def entered(seed: int = 1) -> list[Plot]:
    quarter = Quarter(Options(seed, "tiny"))
    return quarter.plots


def test_villains_stand_in_the_register_as_everybody_does() -> None:
    quarter = Quarter(Options(1, "tiny"))
    filed = register(quarter.cast)
    codes = [one["credit_code"] for one in filed["senders"]]
    assert len(codes) == len(set(codes))
    assert {one.code for plot in quarter.plots for one in plot.senders} < set(codes)
    words = json.dumps(filed, ensure_ascii=False)
    assert not any(kind in words for kind in PARAMETERS)
    assert "villain" not in words


class Calendar:
    """The part of a world that judging asks."""

    def at(self, day: int, hour: float) -> float:
        return START.timestamp() + day * 86_400 + hour * 3600


def judged(plot: Plot, cases: list[Case], days: list[int]) -> Any:
    code = plot.senders[0].code
    sent = [Sent(Calendar().at(day, 2), code, "1", "13800000000") for day in days]
    plot.tried = 100
    return judge_villain(plot, cases, sent, Calendar())  # type: ignore[arg-type]  # a part of it


def test_found_means_a_case_and_no_traffic_any_more() -> None:
    plot = next(one for one in entered() if one.kind == "consent_forger")
    start, code = plot.start, plot.senders[0].code
    case = Case(Calendar().at(start + 4, 12), code, "", "")
    stopped = [start, start + 1, start + 5]
    found = judged(plot, [case], stopped)
    assert (found.found, found.messages_before, found.messages_after) == (True, 2, 1)
    assert found.days_to_detection == 4.5
    assert not judged(plot, [case], [*stopped, DAYS - 2]).found  # it goes on
    assert not judged(plot, [], stopped).found  # nobody took it up
    early = Case(Calendar().at(start - 1, 12), code, "", "")
    assert not judged(plot, [early], stopped).case  # about something else
    other = Case(Calendar().at(start + 4, 12), "91330106MA2HT0012U", "", "")
    assert not judged(plot, [other], stopped).case


def test_a_case_concerns_an_agent_s_account_a_port_or_a_sender() -> None:
    plot = next(one for one in entered() if one.kind == "loan_agent")
    one = plot.senders[0]
    assert Case(0.0, one.code, "", "").about(one)
    assert Case(0.0, "", one.account, "").about(one)
    assert Case(0.0, "", "", one.ports["notification"]).about(one)
    assert not Case(0.0, "", "", "").about(one)


def test_truth_tells_everybody_and_is_private(tmp_path: Path) -> None:
    quarter = Quarter(Options(2, "tiny"))
    path = tmp_path / "truth.json"
    keep_truth(path, quarter.plots, quarter.honest.senders, 2)
    truth = json.loads(path.read_text("utf-8"))
    assert [one["kind"] for one in truth["villains"]] == sorted(PARAMETERS)
    assert len(truth["honest"]) == 60
    assert path.stat().st_mode & 0o077 == 0


def test_the_same_seed_draws_the_same_cast() -> None:
    filed = [register(Quarter(Options(seed, "tiny")).cast) for seed in (4, 4, 5)]
    assert filed[0] == filed[1] != filed[2]
    assert isinstance(plots(draw(load(), 1), 1, 1)[0], Plot)
    assert isinstance(Quarter(Options(1, "tiny")).cast, Cast)
    with pytest.raises(InvalidInput):
        Quarter(Options(1, "huge"))
