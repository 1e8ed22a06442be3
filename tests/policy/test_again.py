"""What a changed rulebook makes of stored findings is what `decide` makes of the same facts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.message import Network, Purpose
from assent.policy.again import PARAMETERS, changed, mask_of, merged, weigh
from assent.policy.decide import decide
from assent.policy.reasons import BY_CODE
from assent.policy.rulebook import Profile, Rulebook
from tests.policy.scene import RULEBOOK, TEXTS, content, facts, people

M, V = Purpose.MARKETING, Purpose.VERIFICATION
SOFT = ["over_cap", "too_long", "contact_missing", "signature_wrong", "port_not_free",
        "refusal_way_missing", "code_missing"]  # fmt: skip


def with_values(profile: str, **values: Any) -> Rulebook:
    """Return the packaged rulebook with other parameters of one profile, "" for all."""
    document = json.loads(RULEBOOK.canonical)
    for one in [profile] if profile else document["profiles"]:
        for name, value in values.items():
            document["profiles"][one][name]["value"] = value
    return Rulebook.from_document(document)


def caps(limit: int) -> list[dict[str, Any]]:
    """Return the caps with another limit of marketing a day."""
    found: list[dict[str, Any]] = json.loads(RULEBOOK.canonical)["profiles"]["CN"]["caps"]["value"]
    return [{**cap, "limit": limit} if cap["id"] == "marketing_day" else cap for cap in found]


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "most_segments": st.integers(1, 9),
        "contact_for": st.sampled_from([[], ["marketing"], ["marketing", "notification"]]),
        "contact_patterns": st.sampled_from([["nothing"], ["4\\d\\d"]]),
        "signature_for": st.sampled_from([[], ["marketing"], ["verification"]]),
        "code_words": st.sampled_from([["密码"], ["验证码"]]),
        "free_reply_for": st.sampled_from([[], ["marketing", "verification"]]),
        "min_grade": st.sampled_from([{"marketing": "RECEIVER", "internal": "ASSERTION"}]),
        "windows": st.sampled_from([{}, {"marketing": ["13:00", "14:00"]}]),
        "port_purposes": st.sampled_from([{"marketing": ["marketing", "verification"],
                                           "verification": ["verification"]}]),
        "effects": st.dictionaries(
            st.sampled_from(SOFT), st.sampled_from(["off", "hold", "reject"]), max_size=4
        ),
    },
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_merged_and_weighed_is_what_decide_says(data: st.DataObject) -> None:
    draw = data.draw
    purpose, n = draw(st.sampled_from([M, V])), 4
    first, second = (with_values("CN", **draw(CHANGES)) for _ in range(2))
    bools = st.lists(st.booleans(), min_size=n, max_size=n)
    column = {name: np.array(draw(bools)) for name in ("refused", "paused", "reachable")}
    text = draw(st.sampled_from([*TEXTS.values(), "没有签名", "【别人】密码1234"]))
    what = content(purpose, n, text=text, segments=np.array(draw(
        st.lists(st.integers(1, 9), min_size=n, max_size=n)), np.uint8))  # fmt: skip
    fact = facts(
        purpose, n, **column,
        grade=np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), np.uint8),
        port_purpose=draw(st.sampled_from([M, V])), port_free_to_reply=draw(st.booleans()),
        contacts=("400-820-8820",) if draw(st.booleans()) else (),
        claims={cap.id: np.full(n, draw(st.integers(0, 2)), np.int32)
                for cap in RULEBOOK.caps_for(purpose)},
    )  # fmt: skip
    networks = st.sampled_from([Network.MOBILE, Network.FOREIGN])
    who = people(n, network=np.array(draw(st.lists(networks, min_size=n, max_size=n)), np.uint8))
    then, now = (decide(who, what, fact, rulebook) for rulebook in (first, second))
    codes = changed(first, second, purpose)
    findings = merged(then.findings, now.findings, codes)
    verdict, reason = weigh(findings, second.profile_of(who), second)
    assert verdict.tolist() == now.verdict.tolist()
    assert reason.tolist() == now.reason.tolist()
    # Rules that did not change say what they said, where they are on.
    mask = ~mask_of(codes)
    off = mask_of(
        code for profile in second.profiles for code, effect in profile.effects.items()
        if effect == 0
    )  # fmt: skip
    assert ((findings ^ now.findings) & mask & ~off).tolist() == [0] * n


def test_only_what_binds_a_purpose_changes_for_it() -> None:
    assert changed(RULEBOOK, RULEBOOK, M) == frozenset()
    quiet = with_values("CN", windows={"marketing": ["10:00", "18:00"]})
    assert changed(RULEBOOK, quiet, M) == {"quiet_hours", "expires_before_window"}
    assert changed(RULEBOOK, quiet, V) == frozenset()
    assert changed(RULEBOOK, with_values("", caps=caps(9)), V) == frozenset()
    both = with_values("", caps=caps(9))
    for cap in both.caps_for(M):
        assert cap.limit in (9, 2)
    assert changed(RULEBOOK, both, M) == {"over_cap", "over_cap_all"}
    codes = with_values("CN", code_words=["密码"])
    assert changed(RULEBOOK, codes, M) == frozenset()
    assert changed(RULEBOOK, codes, V) == {"code_word_missing", "codes_several"}
    off = with_values("CN", effects={"too_long": "off"})
    assert changed(RULEBOOK, off, M) == frozenset(), "what is off needs nothing to be run"
    assert changed(off, RULEBOOK, M) == {"too_long"}
    assert changed(None, RULEBOOK, V) <= PARAMETERS.keys()
    assert "contact_missing" in changed(None, RULEBOOK, V)


def test_the_parameters_are_those_that_there_are() -> None:
    fields = set(Profile.__dataclass_fields__)
    for code, (binds, names) in PARAMETERS.items():
        assert code in BY_CODE
        assert {binds, *names} - {""} <= fields
