"""Attacks on the front door: insiders, strangers at a known entity, numbers in disguise."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from assent.errors import InvalidInput, NotAllowed
from assent.flow.admission_requests import PersonMatch
from assent.flow.needs import utc
from assent.flow.requests import Caller, ReviewDecision
from assent.store import Store
from tests.flow.front_site import (
    AGENT,
    BANK,
    LISTED,
    NAMES,
    SHOP,
    Site,
    open_site,
    person,
)

YES = ReviewDecision(verdict="approve", code="in_order")
NO = ReviewDecision(verdict="refuse", code="incomplete")


@pytest.fixture
async def site(fresh_store: Store) -> Site:
    return await open_site(fresh_store)


async def member(site: Site, account: str, name: str = "li") -> int:
    """Make a person with a role in an account; return the id."""
    made = await site.value(
        "INSERT INTO actor (email, name, created_at) VALUES ($1, $1, now()) RETURNING id",
        f"{name}@x.example",
    )
    await site.sql(
        "INSERT INTO actor_role (account_id, actor_id, role, created_at)"
        " VALUES ($1, $2, 'read_only', now())", site.accounts[account], made,
    )  # fmt: skip
    return int(made)


def as_actor(caller: Caller, actor: int) -> Caller:
    return msgspec.structs.replace(caller, actor_id=actor)


async def test_nobody_decides_about_an_account_of_their_own(site: Site) -> None:
    await site.apply("shop", SHOP, "retail")
    insider = as_actor(site.one, await member(site, "shop"))
    paper = await site.paper("shop", "business_licence")
    item = int((await site.item("document", paper["id"]))["id"])
    for word in (YES, NO):
        with pytest.raises(NotAllowed) as caught:
            await site.front.desk.decide(insider, item, word)
        assert caught.value.code == "own_account"
    site.one = insider
    with pytest.raises(NotAllowed) as caught:
        await site.see(paper, "paper")
    assert caught.value.code == "own_account"
    someone = await site.value("SELECT min(id) FROM entity_person")
    match = PersonMatch(result="yes", source="x", at=utc(site.clock.now()))
    with pytest.raises(NotAllowed) as caught:
        await site.front.sights.match(insider, int(someone), match)
    assert caught.value.code == "own_account"


async def test_nobody_decides_about_the_entity_of_an_account_of_their_own(site: Site) -> None:
    """Its papers may come by another account, such as an agent's."""
    await site.opened("shop", SHOP, "retail")
    await site.opened("agent", AGENT, "telecom_resale")
    await site.register("agent", SHOP, "retail")
    paper = await site.paper("agent", "contract", entity=SHOP)
    item = int((await site.item("document", paper["id"]))["id"])
    insider = as_actor(site.one, await member(site, "shop"))
    with pytest.raises(NotAllowed) as caught:
        await site.front.desk.decide(insider, item, YES)
    assert caught.value.code == "own_account"
    outsider = as_actor(site.one, await member(site, "bank", "han"))
    assert (await site.front.desk.decide(outsider, item, NO))["state"] == "refused"


async def test_staff_decide_about_the_operators_own_papers(site: Site) -> None:
    actor = await member(site, "operator")
    async with site.store.transaction() as tx:
        item = await site.front.desk.open(
            tx, "document", 1, account_id=site.accounts["operator"], at=site.clock.now()
        )
    word = await site.front.desk.decide(as_actor(site.one, actor), item, NO)
    assert word["state"] == "refused"


async def test_a_stranger_at_a_known_entity_reads_nothing_of_it(site: Site) -> None:
    await site.opened("shop", SHOP, "retail")
    await site.opened("agent", AGENT, "telecom_resale")
    await site.register("agent", SHOP, "retail")
    paper = await site.paper("agent", "authorisation_letter", entity=SHOP, valid_to="2026-11-28")
    await site.letter(
        "agent", principal=SHOP, document=paper["id"], valid_to="2026-11-28", signatures=["春风"]
    )
    await site.accepted("shop", "contract", valid_to="2026-11-27")
    for code in (SHOP, AGENT):
        await site.apply("stranger", code, "retail")
        shown = await site.show("stranger")
        assert (shown["letters"], shown["ends"], shown["documents"]) == ([], [], [])
        letters = await site.front.admission.letters_of(site.callers["stranger"])
        assert letters == {"items": []}
        # What the others' papers open is theirs, too.
        assert shown["entity"]["opens"] == "no", shown["entity"]
    assert len((await site.show("shop"))["letters"]) == 1
    assert len((await site.show("agent"))["letters"]) == 1
    assert (await site.show("shop"))["ends"]


@pytest.mark.parametrize(
    "contact",
    [
        "０２１－６１２３００００",
        "021-61230000转8001",
        "021-61230000 ext. 12",
        "(021)61230000-8001",
        "13912345678/021-61230000",
        "13912345678、02161230000",
        "+86 (0)21 6123 0000",
        "0086-21-61230000",
        "86 21 6123-0000 #9",
        "\u0660\u0662\u0661 61230000".translate({0x660: "0", 0x662: "2", 0x661: "1"}),
    ],
)
async def test_a_number_in_disguise_is_the_applicants(site: Site, contact: str) -> None:
    await site.import_businesses()
    await site.apply("bank", BANK, "bank", contact=contact, people=[person(1, "legal")])
    paper = await site.paper("bank", "work_certificate", valid_from="2026-11-01")
    with pytest.raises(NotAllowed) as caught:
        await site.see(paper, "call_back", number=LISTED[BANK], by="李雷", confirmed=True)
    assert caught.value.code == "number_of_applicant"


@pytest.mark.parametrize("phone", ["０２１６１２３００００", "021-61230000-12", "+86 21 61230000"])
async def test_a_persons_number_in_disguise_too(site: Site, phone: str) -> None:
    await site.import_businesses()
    await site.apply("bank", BANK, "bank", people=[person(1, "legal", phone)])
    paper = await site.paper("bank", "work_certificate", valid_from="2026-11-01")
    with pytest.raises(NotAllowed) as caught:
        await site.see(paper, "call_back", number=LISTED[BANK], by="李雷", confirmed=True)
    assert caught.value.code == "number_of_applicant"
    # A new person in its place does not take the number back.
    await site.apply("bank", BANK, "bank", people=[person(2, "legal")])
    with pytest.raises(NotAllowed):
        await site.see(paper, "call_back", number=LISTED[BANK], by="李雷", confirmed=True)


async def test_another_number_may_still_be_dialled(site: Site) -> None:
    await site.import_businesses()
    await site.apply("bank", BANK, "bank", contact="021-61230009", people=[person(1, "legal")])
    paper = await site.paper("bank", "work_certificate", valid_from="2026-11-01")
    look = await site.see(paper, "call_back", number=LISTED[BANK], by="李雷", confirmed=True)
    assert look["result"] == "yes"
    # The record of acts holds no telephone number; the sight itself does.
    assert await site.value("SELECT count(*) FROM staff_act WHERE what = 'document.call_back'") == 1
    digits = LISTED[BANK].lstrip("0")
    assert not await site.value(
        "SELECT count(*) FROM staff_act WHERE strpos(after::text, $1) > 0", digits
    )
    assert await site.value(
        "SELECT count(*) FROM document_sight WHERE strpos(evidence::text, $1) > 0", digits
    )


async def test_one_code_is_one_entity_however_it_is_written(site: Site) -> None:
    await site.apply("shop", SHOP, "retail")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in SHOP)
    for place, code in enumerate((wide, SHOP.lower(), f"{SHOP[:9]} {SHOP[9:]}")):
        kind = "foreign" if place == 0 else "company"
        name = ("stranger", "agent", "second_agent")[place]
        await site.apply(name, code, "retail", kind=kind)
    assert await site.value("SELECT count(*) FROM entity") == 1
    await site.paper("shop", "contract", entity=wide)


@pytest.mark.parametrize("mark", ["\u200b", "\u202e", "\x00", "\n", "\u2028", "\ufeff", "\u00ad"])
async def test_names_have_no_marks_that_nobody_sees(site: Site, mark: str) -> None:
    hidden = f"春风{mark}百货有限公司"
    with pytest.raises(InvalidInput) as caught:
        await site.apply("shop", SHOP, "retail", legal_name=hidden)
    assert caught.value.field == "legal_name"
    with pytest.raises(InvalidInput):
        await site.apply("shop", f"{SHOP[:5]}{mark}{SHOP[5:]}X", "retail", kind="foreign")
    who = person(1, "legal") | {"name": f"王{mark}一"}
    with pytest.raises(InvalidInput):
        await site.apply("shop", SHOP, "retail", people=[who])
    await site.apply("shop", SHOP, "retail")
    for words in ({"holder": hidden}, {"number": f"B2{mark}-1"}, {"scope": [f"x{mark}y"]}):
        with pytest.raises(InvalidInput):
            await site.paper("shop", "contract", **words)


async def test_a_licence_takes_two_by_what_is_claimed(site: Site) -> None:
    """Whoever first named the entity says nothing of its industry."""
    await site.apply("stranger", BANK, "retail", legal_name=NAMES[BANK])
    await site.apply("bank", BANK, "bank")
    licence = await site.paper("bank", "financial_licence", number="B0001H231000001")
    await site.see(licence, "paper")
    item = await site.item("document", licence["id"])
    assert item["reviewers"] == 2
    told = await site.front.desk.decide(site.one, int(item["id"]), YES)
    assert told["state"] == "second"


async def test_a_letter_takes_two_by_what_is_claimed(site: Site) -> None:
    await site.opened("agent", AGENT, "telecom_resale")
    await site.apply("stranger", BANK, "retail", legal_name=NAMES[BANK])
    await site.register("agent", BANK, "bank")
    paper = await site.accepted("agent", "authorisation_letter", entity=BANK)
    await site.letter("agent", principal=BANK, document=paper["id"])
    told = await site.front.desk.decide(site.one, int((await site.item("letter"))["id"]), YES)
    assert told["state"] == "second"


async def test_an_older_file_does_not_outvote_a_newer_one(site: Site) -> None:
    """Another source under whose name an entity still lives does not bring it back."""
    words = {"credit_code": SHOP, "name": NAMES[SHOP]}
    alive, gone = words | {"status": "存续"}, words | {"status": "吊销"}
    await site.import_rows("business", [alive], "旧文件", date(2026, 1, 5))
    await site.import_rows("business", [gone], "公示系统", date(2026, 11, 20))
    await site.apply("shop", SHOP, "retail")
    paper = await site.paper("shop", "business_licence", holder=NAMES[SHOP])
    look = await site.see(paper, "register")
    assert (look["result"], look["evidence"]["why"]) == ("no", "ended")
    # A newer file that has it alive again counts.
    await site.import_rows("business", [alive], "旧文件", date(2026, 11, 21))
    assert (await site.see(paper, "register"))["result"] == "yes"
