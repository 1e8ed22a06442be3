"""The table of qualifications as data: read, refused, digested, and told in the manual."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.policy import filing
from assent.registry.papers import Seen
from assent.registry.table import EVIDENCE, FINANCE, PURPOSES, Class, FreeText, Table
from tests.registry.given import TABLE

MANUAL = (Path(__file__).parents[2] / "docs" / "qualifications.md").read_text("utf-8")
Document = dict[str, Any]


def document() -> Document:
    loaded: Document = json.loads(TABLE.canonical)
    return copy.deepcopy(loaded)


def bank(changed: Document) -> Document:
    found: Document = changed["industries"]["bank"]["purposes"]["notification"]
    return found


def retail(changed: Document, purpose: str = "marketing") -> Document:
    found: Document = changed["industries"]["retail"]["purposes"][purpose]
    return found


def test_the_digest_is_of_the_content_not_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(document(), indent=3, ensure_ascii=True), encoding="utf-8")
    again = Table.load(path)
    assert again.digest == TABLE.digest
    assert len(again.digest) == 32
    changed = document()
    changed["provisional"]["value"]["days"] = 15
    assert Table.from_document(changed).digest != TABLE.digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: bank(d).update(reviewers=1), "two persons"),
        (lambda d: bank(d).update(provisional=True), "a scan opens neither"),
        (lambda d: bank(d).update(demands=["company_sure"]), "demands its licence"),
        (lambda d: d["industries"]["bank"].update(licence=None), "demands its licence"),
        (lambda d: retail(d).update(provisional=True), "a scan opens neither"),
        (lambda d: retail(d, "verification").update(free_text="letter"), "never written freely"),
        (lambda d: retail(d).update(free_text="perhaps"), "perhaps"),
        (lambda d: retail(d).update(demands=[]), "one demand at least"),
        (lambda d: retail(d).update(demands=["company", "company"]), "each once"),
        (lambda d: retail(d).update(demands=["nothing"]), "nothing"),
        (lambda d: retail(d).update(demands="company"), "KeyError"),
        (lambda d: retail(d).update(reviewers=0), "whole number"),
        (lambda d: retail(d).update(reviewers=True), "whole number"),
        (lambda d: retail(d).update(provisional="false"), "neither true nor false"),
        (lambda d: retail(d).pop("free_text"), "free_text"),
        (lambda d: retail(d).update(closed={"en": "no"}), "zh"),
        (lambda d: d["industries"]["retail"]["purposes"].pop("internal"), "each purpose once"),
        (lambda d: d["industries"]["retail"]["purposes"].update(system={}), "each purpose once"),
        (lambda d: d["industries"]["retail"].update(evidence="sure"), "how well"),
        (lambda d: d["industries"]["retail"].update({"class": "shop"}), "shop"),
        (lambda d: d["industries"]["retail"].update(zh=""), "both languages"),
        (lambda d: d["demands"]["company"].update(seen="scan"), "better than as a scan"),
        (lambda d: d["demands"]["company"].update(seen="none"), "better than as a scan"),
        (lambda d: d["demands"]["company"].update(any=[]), "does not have"),
        (lambda d: d["demands"]["company"].update(any=["passport"]), "does not have"),
        (lambda d: d["demands"]["company"].update(scope="B25"), "list"),
        (lambda d: d["demands"]["company"].pop("rules"), "rules"),
        (lambda d: d["papers"]["contract"].update(must_end=1), "neither true nor false"),
        (lambda d: d["papers"]["contract"].update(validity_days=0), "whole number"),
        (lambda d: d["provisional"]["value"].update(days=0), "whole number"),
        (lambda d: d["papers"]["contract"].update(most_years=0), "whole number"),
        (lambda d: d["letters"]["value"].update(least_days=2000), "longer than the most"),
        (lambda d: d["warn_days"].update(value=[30, 60]), "the most first"),
        (lambda d: d["warn_days"].update(value=[]), "the most first"),
        (lambda d: d["free_text_letter"].update(value="none"), "none"),
        (lambda d: d.update(aliases={"bank": "retail"}), "lead to an industry"),
        (lambda d: d.update(aliases={"money": "nothing"}), "lead to an industry"),
        (lambda d: d.pop("operator"), "operator"),
    ],
)
def test_a_wrong_table_is_refused(change: Callable[[Document], None], words: str) -> None:
    changed = document()
    change(changed)
    with pytest.raises(InvalidInput, match=words) as refused:
        Table.from_document(changed)
    assert refused.value.code == "qualifications_invalid"


@pytest.mark.parametrize("key", sorted(document()))
def test_nothing_may_be_missing(key: str) -> None:
    changed = document()
    del changed[key]
    with pytest.raises(InvalidInput):
        Table.from_document(changed)


def test_finance_is_what_the_rules_call_finance() -> None:
    assert FINANCE == filing.FINANCE
    for name, industry in TABLE.industries.items():
        assert TABLE.category(name) == (FINANCE if industry.kind is not Class.OTHER else "")
    assert TABLE.category("finance") == FINANCE
    assert TABLE.category("astrology") == FINANCE
    assert TABLE.category("") == ""
    assert filing.filed_under(TABLE.category("bank"), filing.Relation.COLD) == {"finance", "cold"}


def test_words_of_old_registers_are_known() -> None:
    assert TABLE.industry("finance") is TABLE.industries["other_finance"]
    assert TABLE.industry("retail") is TABLE.industries["retail"]
    assert TABLE.industry("astrology") is None
    assert TABLE.terms("astrology", Purpose.MARKETING) is None
    assert TABLE.terms("retail", Purpose.SYSTEM) is None


def test_what_no_table_may_open() -> None:
    for industry in TABLE.industries.values():
        assert set(industry.terms) == set(PURPOSES)
        for purpose, terms in industry.terms.items():
            if terms.closed is not None:
                assert not terms.demands
                continue
            assert terms.reviewers >= (2 if industry.finance else 1)
            assert not (terms.provisional and (industry.finance or purpose is Purpose.MARKETING))
            assert all(demand.seen >= Seen.PAPER for demand in terms.demands)
            if purpose is Purpose.VERIFICATION or (
                industry.finance and purpose is not Purpose.INTERNAL
            ):
                assert terms.free_text is FreeText.NEVER


def test_loans_ask_for_what_loans_are_asked_for() -> None:
    def kinds(industry: str) -> list[tuple[str, ...]]:
        terms = TABLE.terms(industry, Purpose.NOTIFICATION)
        assert terms is not None
        return [demand.kinds for demand in terms.demands]

    assert kinds("personal_loan") == [("business_licence",), ("work_certificate",)]
    assert kinds("online_loan") == [
        ("business_licence",),
        ("financial_licence",),
        ("contract",),
    ]


def test_the_operator_asks_the_same_of_itself() -> None:
    asked = {demand.kinds: demand.scope for demand in TABLE.operator.demands}
    assert asked == {("telecom_licence",): {"B25"}, ("number_certificate",): frozenset()}


def test_every_demand_is_used_and_every_source_attested() -> None:
    used = {TABLE.free_text_letter.name}
    for terms in [TABLE.base, TABLE.operator, TABLE.agent, TABLE.agent_finance]:
        used |= {demand.name for demand in terms.demands}
    for industry in TABLE.industries.values():
        for terms in industry.terms.values():
            used |= {demand.name for demand in terms.demands}
    assert used == set(TABLE.demands)
    for demand in TABLE.demands.values():
        assert demand.source.rules
        assert demand.source.evidence in EVIDENCE
        assert demand.source.doubtful == (demand.source.evidence in ("1", "M"))


def test_the_manual_names_everything() -> None:
    assert f"`{TABLE.version}`" in MANUAL
    for name in [*TABLE.industries, *TABLE.kinds, *TABLE.aliases]:
        assert f"`{name}`" in MANUAL, name
    rules = {rule for demand in TABLE.demands.values() for rule in demand.source.rules}
    rules |= {rule for one in TABLE.industries.values() for rule in one.source.rules}
    for rule in rules:
        assert rule in MANUAL, rule
