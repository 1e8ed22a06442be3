"""Names that must agree, short names, and the tables of characters."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, pinyin

from assent.registry.characters import (
    Sound,
    characters,
    glyphs,
    looks,
    plain,
    simplified,
)
from assent.registry.names import compare_names, in_one_piece, in_order, same_name

LETTERS = st.text("安信商贸有限公司國国（）() ABcab１", max_size=12)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("安信（上海）商贸有限公司", "安信（上海）商贸有限公司", []),
        ("安信（上海）商贸有限公司", "安信(上海)商贸有限公司", ["name_written_otherwise"]),
        ("安信〔上海〕商贸有限公司", "安信 (上海) 商贸有限公司", ["name_written_otherwise"]),
        ("ＡＢＣ科技有限公司", "Abc科技有限公司", ["name_written_otherwise"]),
        ("安信\u200b商贸有限公司", "安信商贸有限公司", ["name_written_otherwise"]),
        ("國際銀行股份有限公司", "国际银行股份有限公司", ["name_other_characters"]),
        ("安信商贸有限公司", "安信商贸有限责任公司", ["name_nearly"]),
        ("安信商贸有限公司", "平安银行股份有限公司", ["name_differs"]),
        ("安信商贸有限公司", "", ["name_empty"]),
        (" ", " ", ["name_empty"]),
    ],
)
def test_how_two_names_differ(one: str, other: str, found: list[str]) -> None:
    assert [finding.code for finding in compare_names(one, other)] == found
    assert [finding.code for finding in compare_names(other, one)] == found


@given(LETTERS, LETTERS)
def test_comparing_is_symmetric_and_agrees_with_same_name(one: str, other: str) -> None:
    assert compare_names(one, other) == compare_names(other, one)
    same = {"name_written_otherwise", "name_other_characters"}
    codes = {finding.code for finding in compare_names(one, other)}
    assert same_name(one, other) == (bool(plain(one)) and codes <= same)


@pytest.mark.parametrize(
    ("short", "full", "ordered", "whole"),
    [
        ("工商银行", "中国工商银行股份有限公司", True, True),
        ("工行", "中国工商银行股份有限公司", True, False),
        ("行工", "中国工商银行股份有限公司", False, False),
        ("安信商贸", "安信（上海）商贸有限公司", True, True),
        ("安信上海", "安信（上海）商贸有限公司", True, False),
        ("國際", "国际银行", True, True),
        ("安安", "安信商贸有限公司", False, False),
        ("", "安信", False, False),
    ],
)
def test_short_names(short: str, full: str, ordered: bool, whole: bool) -> None:
    assert (in_order(short, full), in_one_piece(short, full)) == (ordered, whole)


@given(st.text("安信商贸有限公司", max_size=8), st.data())
def test_what_is_left_of_a_name_stands_in_its_order(full: str, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(full), max_size=len(full)))
    short = "".join(c for c, keep in zip(full, kept, strict=True) if keep)
    assert in_order(short, full) == bool(short)


def test_traditional_and_simplified_characters_sound_the_same() -> None:
    for old, new in characters().traditional.items():
        readings = [set(pinyin(c, style=Style.NORMAL, heteronym=True)[0]) for c in (chr(old), new)]
        assert readings[0] & readings[1], (chr(old), new)
        assert ord(new) not in characters().traditional


def test_the_tables_hold_each_character_once() -> None:
    name = "data/characters-2026.1.json"
    data = json.loads(resources.files("assent").joinpath(name).read_bytes())
    joined = "".join(data["similar_glyphs"])
    assert len(set(joined)) == len(joined)
    assert all(len(group) > 1 for group in data["similar_glyphs"])
    assert not set(joined) & set(data["traditional"])


@given(st.text(max_size=10))
def test_each_form_is_coarser_than_the_one_before(text: str) -> None:
    assert simplified(simplified(text)) == simplified(text)
    for form in (looks, glyphs):
        assert form(simplified(text)) == form(text)
    assert Sound(text).is_of(simplified(text))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("重庆", "虫庆", True),
        ("重庆", "众庆", True),
        ("重庆", "ChongQing", True),
        ("chong庆", "重qing", True),
        ("重庆", "Chongqin", False),
        ("西安", "先", False),
        ("西安", "Xian", True),
        ("安信", "安心", True),
        ("安信", "安新行", False),
        ("工商", "招商", False),
        ("AB", "ab", True),
    ],
)
def test_names_that_sound_the_same(one: str, other: str, same: bool) -> None:
    for left, right in ((one, other), (other, one)):
        assert Sound(left).is_of(simplified(right)) == same
