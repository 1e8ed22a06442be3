"""Scripts as data: what is read, what is refused, what is drawn."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.carrier.script import (
    Delay,
    Script,
    changed,
    chooser,
    draw_delay,
    load_script,
    script_from,
)
from assent.errors import InvalidInput

MANUAL = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml = tmp_path / "a.toml"
    toml.write_text("[answers]\nlatency = {uniform = [0.1, 0.2]}\n[receipts.stats]\nDELIVRD = 1\n")
    other = tmp_path / "a.json"
    other.write_text(
        '{"answers": {"latency": {"uniform": [0.1, 0.2]}}, "receipts": {"stats": {"DELIVRD": 1}}}'
    )
    assert load_script(toml) == load_script(other)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"anwsers": {}}, "anwsers"),
        ({"answers": {"latency": "soon"}}, "latency"),
        ({"answers": {"latency": {"uniform": [1, 2], "normal": [1, 2]}}}, "exactly one"),
        ({"answers": {"latency": {}}}, "exactly one"),
        ({"answers": {"refusals": [{"code": 1, "numbers": "("}]}}, "regular expression"),
        ({"replies": [{"texts": {}}]}, "at least one text"),
        ({"receipts": {"stats": {"TOOLONGSTAT": 1}}}, "7 ASCII"),
        ({"receipts": {"stats": {"DELIVRD": 0}}}, "above 0"),
        ({"deliver_window": 0}, "deliver_window"),
    ],
)
def test_mistakes_are_named(data: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        script_from(data)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("= 1")
    (tmp_path / "list.json").write_text("[]")
    for name in ("bad.toml", "list.json", "absent.toml"):
        with pytest.raises(InvalidInput, match=name):
            load_script(tmp_path / name)


def test_a_change_leaves_the_rest() -> None:
    script = script_from({"answers": {"latency": 1.5, "throttle_code": 88}})
    after = changed(script, {"answers": {"latency": 2}, "deliver_window": 4})
    assert (after.answers.latency, after.answers.throttle_code) == (2, 88)
    assert after.deliver_window == 4
    assert changed(after, {}) == after


@given(
    st.one_of(
        st.builds(
            Delay,
            uniform=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
            at_most=st.floats(0, 3),
        ),
        st.builds(Delay, normal=st.tuples(st.floats(-5, 5), st.floats(0, 5)), at_least=st.just(1)),
        st.builds(Delay, exponential=st.floats(0.001, 5), at_most=st.floats(0, 3)),
        st.builds(Delay, lognormal=st.tuples(st.floats(0.001, 5), st.floats(0, 2))),
    ),
    st.integers(),
)
def test_delays_stay_in_their_bounds(delay: Delay, seed: int) -> None:
    value = draw_delay(delay, Random(seed))
    assert max(0.0, delay.at_least) <= value <= max(delay.at_most, delay.at_least)


def test_weights_are_kept() -> None:
    draw = chooser({"TD": 3.0, "never": 0.0, "退订": 1.0}, Random(5))
    drawn = [draw() for _ in range(4000)]
    assert set(drawn) == {"TD", "退订"}
    assert 0.70 < drawn.count("TD") / 4000 < 0.80


def test_the_manual_names_every_field_and_its_example_loads(tmp_path: Path) -> None:
    manual = MANUAL.read_text("utf-8")
    for section in (Script, *(type(value) for value in vars_of(Script()))):
        for name in section.__struct_fields__:
            assert f"`{name}`" in manual, name
    examples = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(examples[0], "utf-8")
    assert load_script(path).replies


def vars_of(script: Script) -> list[Any]:
    return [script.answers, script.receipts, script.faults, *SAMPLES]


SAMPLES = [
    script_from({"replies": [{"texts": {"TD": 1}}]}).replies[0],
    script_from({"answers": {"refusals": [{"code": 1}]}}).answers.refusals[0],
    Delay(exponential=1.0),
]
