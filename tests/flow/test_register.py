"""Registers with papers and letters: what is filed, what is refused, and who then may send."""

from __future__ import annotations

import secrets
import tomllib
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.errors import InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.setup import Register, file_register
from assent.message import Purpose
from assent.store import Store
from bench.papers import complete, entity, resale
from tests.flow.conftest import register

DOCS = Path(__file__).parents[2] / "docs"
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC).timestamp()


async def filed(store: Store, document: dict[str, Any]) -> Catalogue:
    await file_register(store, msgspec.convert(document, Register), NOON, secrets.token_bytes)
    catalogue = Catalogue()
    await catalogue.load(store)
    return catalogue


def broken(
    catalogue: Catalogue, account: str, code: str, purpose: Purpose, template: str | None = None
) -> set[str]:
    """Return what is broken for an order of an account, on all the sender's ports together."""
    owner = next(a for a in catalogue.accounts.values() if a.name == account)
    sender = next(s for s in catalogue.senders.values() if s.credit_code == code)
    ports = [
        p for p in catalogue.ports.values() if (p.sender_id, p.purpose) == (sender.id, purpose)
    ]
    assert ports
    words = next((t.id for t in catalogue.templates.values() if t.name == template), 0)
    walk = catalogue.chain.broken
    return {
        code for port in ports for code in walk(owner.id, sender.id, port.id, words, purpose, NOON)
    }


async def test_the_example_of_the_manual_may_send(fresh_store: Store) -> None:
    text = (DOCS / "setup.md").read_text("utf-8")
    block = text.split("```toml\n")[1].split("```")[0]
    catalogue = await filed(fresh_store, tomllib.loads(block))
    shop = "91310000MA1FL00001"
    assert broken(catalogue, "anxin", shop, Purpose.VERIFICATION, "login") == set()
    assert broken(catalogue, "anxin", shop, Purpose.MARKETING) == set()
    assert broken(catalogue, "anxin", shop, Purpose.VERIFICATION) == {"free_text_not_allowed"}


async def test_without_papers_everything_is_filed_and_nothing_sends(fresh_store: Store) -> None:
    catalogue = await filed(fresh_store, register(1))
    found = broken(catalogue, "account1", "CODE1", Purpose.VERIFICATION, "code")
    assert found == {
        "account_not_verified", "sender_not_qualified", "not_authorised", "operator_licence",
    }  # fmt: skip


async def test_finance_needs_two_different_persons(fresh_store: Store) -> None:
    document = register(1)
    document["senders"][0]["industry"] = "finance"
    document = complete(document)
    for names in ([], ["林一"], ["林一", "林一"], ["林一", " "]):
        document["entities"][0]["reviewed_by"] = names
        with pytest.raises(InvalidInput) as caught:
            await filed(fresh_store, document)
        assert caught.value.code == "reviewers"
        assert caught.value.field == "entities.CODE1.reviewed_by"
        assert not await fresh_store.fetch("entities_all")  # nothing of it
    document["entities"][0]["reviewed_by"] = ["林一", "陈二"]
    catalogue = await filed(fresh_store, document)
    assert broken(catalogue, "account1", "CODE1", Purpose.VERIFICATION, "code") == set()
    sender = next(iter(catalogue.senders.values()))
    assert sender.industry == "finance"  # the rules file it there, whatever the register called it


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("unknown_paper", {"papers": [{"kind": "letter_of_grandma"}]}, "entities.CODE1.papers"),
    ("unknown_industry", {"industry": "alchemy"}, "entities.CODE1.industry"),
    ("reviewers", {"reviewed_by": []}, "entities.CODE1.reviewed_by"),
]


@pytest.mark.parametrize(("code", "change", "field"), WRONG)
async def test_what_is_wrong_is_named(
    fresh_store: Store, code: str, change: dict[str, Any], field: str
) -> None:
    document = complete(register(1))
    document["entities"][0] |= change
    with pytest.raises(InvalidInput) as caught:
        await filed(fresh_store, document)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.mend


async def test_two_links_and_no_third(fresh_store: Store) -> None:
    """Account → agent → sender: each letter and each licence is needed."""
    document = complete(register(1))
    document["entities"] += [
        entity("MIDDLE", "中间代理", "telecom_resale", resale()),
        entity("LAST", "末端代理", "telecom_resale", resale()),
    ]
    document["accounts"].append(
        {"name": "last", "kind": "agent", "entity": "LAST", "senders": ["CODE1"]}
    )
    terms = {"purposes": ["verification"], "valid_from": "2026-01-01", "valid_to": "2027-01-01"}
    first = {"principal": "CODE1", "agent": "MIDDLE", **terms}
    second = {"principal": "CODE1", "agent": "LAST", "through": "MIDDLE", **terms}
    ask = ("last", "CODE1", Purpose.VERIFICATION, "code")
    document["letters"] = [second]
    with pytest.raises(InvalidInput) as caught:
        await filed(fresh_store, document)
    assert caught.value.code == "letter"
    document["letters"] = [first]
    assert broken(await filed(fresh_store, document), *ask) == {"not_authorised"}
    document["letters"] = [first, second]
    assert broken(await filed(fresh_store, document), *ask) == set()
    unlicensed = deepcopy(document)
    unlicensed["entities"][2]["papers"][-1]["valid_to"] = "2026-11-21"
    assert broken(await filed(fresh_store, unlicensed), *ask) == {"agent_not_licensed"}
    lapsed = deepcopy(document)
    lapsed["letters"][0]["valid_to"] = "2026-11-21"
    assert broken(await filed(fresh_store, lapsed), *ask) == {"not_authorised"}
    assert broken(await filed(fresh_store, document), *ask) == set()


async def test_filing_again_renews_papers_and_keeps_who_saw_them(fresh_store: Store) -> None:
    document = complete(register(1))
    await filed(fresh_store, document)
    url_rows = await fresh_store.fetch("papers_all")
    await filed(fresh_store, document)
    assert len(await fresh_store.fetch("papers_all")) == len(url_rows)
    paper = document["entities"][0]["papers"][0]
    paper |= {"seen": "scan", "valid_to": "2098-12-31"}
    catalogue = await filed(fresh_store, document)
    found = [p for some in catalogue.chain._rows.papers.values() for p in some]
    licences = [p for p in found if p.kind == "business_licence" and str(p.valid_to) < "2099"]
    assert len(licences) == 1
    assert licences[0].seen.name == "SIGNATURE"  # what was seen better stays seen better


async def run(store: Store, statement: str) -> None:
    connection = await store.connect()
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_filing_again_brings_back_nothing_that_was_taken_back(fresh_store: Store) -> None:
    document = complete(register(1))
    document["accounts"].append(
        {"name": "agent", "kind": "agent", "entity": "AGENT", "senders": ["CODE1"]}
    )
    document["entities"].append(entity("AGENT", "代理", "telecom_resale", resale()))
    terms = {"purposes": ["verification"], "valid_from": "2026-01-01", "valid_to": "2027-01-01"}
    document["letters"] = [{"principal": "CODE1", "agent": "AGENT", **terms}]
    ask = ("agent", "CODE1", Purpose.VERIFICATION, "code")
    assert broken(await filed(fresh_store, document), *ask) == set()
    licence = (
        "UPDATE document d SET state = 'withdrawn' FROM entity e WHERE e.id = d.entity_id AND"
        " (e.credit_code, d.kind) = ('CODE1', 'business_licence')"
    )
    letter = "UPDATE authorisation SET state = 'revoked'"
    for statement, code in ((letter, "not_authorised"), (licence, "sender_not_qualified")):
        await run(fresh_store, statement)
        assert code in broken(await filed(fresh_store, document), *ask)
    document["letters"][0]["valid_to"] = "2027-06-01"
    assert "not_authorised" not in broken(await filed(fresh_store, document), *ask), "a new one"


async def test_a_port_is_filed_as_its_signature_stands(fresh_store: Store) -> None:
    document = complete(register(1))
    await filed(fresh_store, document)
    await run(fresh_store, "UPDATE signature SET state = 'withdrawn'")
    (port,) = [p for p in document["senders"][0]["ports"] if p["purpose"] == "verification"]
    document["senders"][0]["ports"].append({**port, "number": "106900777"})
    catalogue = await filed(fresh_store, document)
    new = [p for p in catalogue.ports.values() if p.number == "106900777"]
    assert new
    assert all(p.signature_lapsed for p in new)


async def test_a_number_that_cools_is_nobody_elses(fresh_store: Store) -> None:
    document = complete(register(2))
    await filed(fresh_store, document)
    (mine,) = [p for p in document["senders"][0]["ports"] if p["purpose"] == "verification"]
    await run(fresh_store, f"UPDATE port SET status = 'cooling' WHERE number = '{mine['number']}'")
    await filed(fresh_store, document)  # its own register may still name it
    other = document["senders"][1]["ports"]
    other.append({**mine, "signature": other[0]["signature"]})
    with pytest.raises(InvalidInput) as caught:
        await filed(fresh_store, document)
    assert caught.value.code == "port_cooling"
