"""The rulebook as data: read, refused, digested, and told in the manual."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.policy.facts import Effect
from assent.policy.rulebook import Rulebook
from tests.policy.scene import RULEBOOK, people

DOCS = Path(__file__).parents[2] / "docs"


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(RULEBOOK.canonical)
    return copy.deepcopy(loaded)


def test_the_digest_is_of_the_content_not_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_text(json.dumps(document(), indent=3, ensure_ascii=True), encoding="utf-8")
    again = Rulebook.load(path)
    assert again.digest == RULEBOOK.digest
    assert len(again.digest) == 32
    changed = document()
    changed["profiles"]["CN"]["most_segments"]["value"] = 9
    assert Rulebook.from_document(changed).digest != RULEBOOK.digest


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("min_grade", {"marketing": "NONE", "internal": "ASSERTION"}),
        ("min_grade", {"internal": "ASSERTION"}),
        ("min_grade_by_category", {"finance": "RECEIVER", "cold": "RECEIVER"}),
        ("min_grade_by_category", {"cold": "RECEIVER", "unstated": "RECEIVER"}),
        ("min_grade_by_category", {"finance": "RECEIVER", "cold": "DOCUMENT",
                                   "unstated": "RECEIVER"}),
        ("min_grade_by_category", {"finance": "ASSERTION", "cold": "RECEIVER",
                                   "unstated": "RECEIVER"}),
        ("effects", {"no_standing": "off"}),
        ("effects", {"refused": "hold"}),
        ("effects", {"quiet_hours": "off"}),
        ("effects", {"nonsense": "off"}),
        ("effects", {"too_long": "perhaps"}),
        ("windows", {"marketing": ["08:00", "25:00"]}),
        ("windows", {"marketing": ["08:61", "21:00"]}),
        ("windows", {"marketing": ["8"]}),
        ("windows", {"marketing": ["24:00", "00:00"]}),
        ("refusal_ways", ["("]),
        ("port_purposes", {"marketing": ["adverts"]}),
        ("caps", [{"id": "x", "purpose": "marketing", "scope": "moon", "window": 1, "limit": 1}]),
        ("caps", [{"id": "x", "purpose": "marketing", "scope": "sender", "window": 0, "limit": 1}]),
        ("caps", [{"id": "marketing_day", "purpose": "marketing", "scope": "sender",
                   "window": "day", "limit": 9}]),
    ],
)  # fmt: skip
def test_a_wrong_rulebook_is_refused(key: str, value: Any) -> None:
    changed = document()
    changed["profiles"]["CN"][key]["value"] = value
    with pytest.raises(InvalidInput):
        Rulebook.from_document(changed)


@pytest.mark.parametrize("key", list(document()["profiles"]["CN"]))
def test_no_parameter_may_be_missing(key: str) -> None:
    changed = document()
    del changed["profiles"]["CN"][key]
    with pytest.raises(InvalidInput):
        Rulebook.from_document(changed)


def test_a_soft_reason_may_be_softened_or_switched_off() -> None:
    changed = document()
    changed["profiles"]["CN"]["effects"]["value"] = {"too_long": "hold", "contact_missing": "off"}
    profile = Rulebook.from_document(changed).profile("CN")
    plan = {check.reason.code: check.effect for check in profile.plans[Purpose.MARKETING]}
    assert plan["too_long"] is Effect.HOLD
    assert "contact_missing" not in plan


def test_every_parameter_says_which_rules_it_follows_and_how_sure_they_are() -> None:
    for profile in document()["profiles"].values():
        for parameter in profile.values():
            assert set(parameter) == {"value", "rules", "evidence"}
            assert parameter["evidence"] in ("P", "2", "1", "M", "own")


def test_caps_by_ledger_share_one_claim() -> None:
    ledgers = RULEBOOK.ledgers_for(Purpose.VERIFICATION)
    assert {name: [cap.id for cap in caps] for name, caps in ledgers.items()} == {
        "verification/sender": ["code_minute", "code_hour", "code_day"],
        "verification/platform": ["code_all_minute", "code_all_day"],
    }
    assert RULEBOOK.caps_for(Purpose.NOTIFICATION) == ()


def test_one_profile_is_told_as_one_number() -> None:
    assert isinstance(RULEBOOK.profile_of(people(1)), int)
    assert isinstance(RULEBOOK.profile_of(people(5)), int)
    assert RULEBOOK.profile_of(people(0)) == 0
    mixed = RULEBOOK.profile_of(people(2, network=np.array([1, 5], np.uint8)))
    assert isinstance(mixed, np.ndarray)
    with pytest.raises(KeyError):
        RULEBOOK.profile("XX")


def test_the_manual_names_every_parameter() -> None:
    manual = (DOCS / "rulebook.md").read_text(encoding="utf-8")
    for key in document()["profiles"]["CN"]:
        assert f"`{key}`" in manual
    for cap in document()["profiles"]["CN"]["caps"]["value"]:
        assert f"`{cap['id']}`" in manual
    assert f"`{RULEBOOK.version}`" in manual
