"""Who is erased, or whose number has a new holder: nothing leaves, and nothing is left to find."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest

from assent.consent.entry import Channel, Entry, Kind, Origin, decode
from assent.errors import Unavailable
from assent.flow.customers import CustomerReceipt
from assent.flow.erasure import Erasing, Wish
from assent.flow.erasure_requests import ReassignmentRequest
from assent.flow.handed import PLAIN
from assent.flow.ledger import append
from assent.flow.marks import Marks
from assent.flow.needs import utc
from assent.flow.parcels import items_of, receipt_item, reply_item
from assent.flow.projection import project
from assent.flow.requests import Caller
from assent.flow.vault import Vault
from assent.message import Grade
from assent.numbers import is_mainland
from assent.store import Store
from assent.web.receivers_words import word
from tests.flow.conftest import Platform, number, running

SHE = number("mobile", 7)
HER = int("86" + SHE)
STAFF = frozenset({"support", "links", "second_review", "audit"})


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path) as one:
        yield one


def staff(platform: Platform) -> Caller:
    operator = platform.node.catalogue.operator
    assert operator is not None
    return Caller(operator.id, STAFF, False, 1)


async def person_of(platform: Platform, msisdn: int = HER) -> int | None:
    rows = await platform.sql("SELECT id FROM person WHERE msisdn = $1", msisdn)
    return rows[0][0] if rows else None


async def erase(platform: Platform, *, keep_mark: bool = True) -> str:
    desk = platform.node.erasure_desk
    erased = await desk.erasing.erase(Wish(HER, "receiver", keep_mark))
    await platform.node.live.sync(platform.node.store)
    return erased.state


async def walk(platform: Platform, late: bool = False) -> None:
    """Let a whole walk over the tables happen; `late`: as some days later."""
    if late:
        await platform.sql("UPDATE erasure SET at = at - interval '5 days'")
    traces = platform.node.erasure_desk.traces
    await traces.step()
    while traces._jobs or traces._texts:
        await traces.step()


async def kinds(platform: Platform, person: int) -> list[Kind]:
    rows = await platform.sql(
        "SELECT body FROM entry WHERE person_id = $1 ORDER BY position", person
    )
    return [decode(row["body"]).kind for row in rows]


async def refuse(platform: Platform, text: str = "TD") -> None:
    before = await platform.value("SELECT count(*) FROM reply")
    platform.simulators["mobile"].send_mo(SHE, "106900011", text)
    await platform.until(lambda: _counts(platform, "reply", before + 1), "the reply was read")


async def _counts(platform: Platform, table: str, wanted: int) -> bool:
    return bool(await platform.value(f"SELECT count(*) FROM {table}") == wanted)


def marketing_to(platform: Platform, receiver: str = SHE) -> list[dict[str, Any]]:
    return [
        one
        for port in ("106900011", "106900021")
        for one in platform.submits(port)
        if receiver in str(one)
    ]


async def test_erasing_is_no_way_around_a_refusal(platform: Platform) -> None:
    await platform.consent([SHE])
    await refuse(platform)
    old = await person_of(platform)
    assert old is not None
    assert await erase(platform) == "erased"
    assert await person_of(platform) is None
    assert (await kinds(platform, old))[-1] is Kind.ERASED
    for place in (1, 2):  # the same account again, and another sender's
        await platform.consent([SHE], place)
        answer = await platform.send([SHE], place=place)
        assert (answer["allowed"], answer["messages"][0]["reason"]) == (0, "no_standing")
    new = await person_of(platform)
    assert new not in (None, old)
    assert (await kinds(platform, new))[0] is Kind.RECEIVER_ONLY
    assert await platform.value("SELECT count(*) FROM standing WHERE person_id = $1", new) == 0
    assert marketing_to(platform) == []


async def test_codes_still_reach_her_number_afterwards(platform: Platform) -> None:
    await platform.consent([SHE])
    await erase(platform)
    answer = await platform.send([SHE], "verification")
    assert answer["allowed"] == 1
    await platform.until(lambda: len(platform.submits("106900012")) == 1, "the code left")


# A number with a new holder ----------------------------------------------------------------


async def reassign(platform: Platform, *given: str, **more: Any) -> dict[str, Any]:
    today = (datetime.fromtimestamp(platform.clock.now(), UTC) + timedelta(hours=8)).date()
    wish = {"source": "mobile", "dated": today, "numbers": list(given or (SHE,)), **more}
    desk = platform.node.erasure_desk
    told = await desk.reassigned(staff(platform), ReassignmentRequest(**wish))
    await platform.node.live.sync(platform.node.store)
    return dict(told)


async def test_a_new_holder_is_no_way_around_a_refusal_either(platform: Platform) -> None:
    await platform.consent([SHE])
    await refuse(platform)
    old = await person_of(platform)
    assert old is not None
    told = await reassign(platform, SHE, number("mobile", 8), "12")
    assert (told["rows"], told["closed"], told["unknown"], told["faulty"]) == (3, 1, 1, 1)
    assert [item["result"] for item in told["items"]] == ["closed", "unknown", "faulty"]
    assert (await kinds(platform, old))[-1] is Kind.REASSIGNED
    secret = await platform.value("SELECT secret FROM person WHERE id = $1", old)
    assert secret is not None, "what is written down of the old holder stays provable"
    for place in (1, 2):
        await platform.consent([SHE], place)
        assert (await platform.send([SHE], place=place))["allowed"] == 0
    new = await person_of(platform)
    assert new not in (None, old)
    assert (await kinds(platform, new))[0] is Kind.RECEIVER_ONLY
    assert marketing_to(platform) == []
    again = await reassign(platform, SHE, number("mobile", 8), "12")
    assert again["repeated"]
    assert await person_of(platform) == new, "the same file closes nobody"
    sources = await platform.node.erasure_desk.sources(staff(platform))
    assert [(one["source"], one["closed"]) for one in sources["items"]] == [("mobile", 1)]


async def test_a_file_older_than_what_she_did_herself_closes_nobody(platform: Platform) -> None:
    await platform.consent([SHE])
    await refuse(platform, "今天有货吗")
    person = await person_of(platform)
    yesterday = (datetime.fromtimestamp(platform.clock.now(), UTC) - timedelta(days=1)).date()
    assert (await reassign(platform, dated=yesterday))["later"] == 1
    assert await person_of(platform) == person
    assert (await reassign(platform, dated=yesterday, source="again", sure=True))["closed"] == 1
    assert await person_of(platform) is None


async def test_who_was_first_known_after_the_files_day_is_the_new_holder(
    platform: Platform,
) -> None:
    await platform.consent([SHE])
    day = (datetime.fromtimestamp(platform.clock.now(), UTC) - timedelta(days=2)).date()
    assert (await reassign(platform, dated=day))["later"] == 1
    await platform.sql("UPDATE person SET created_at = created_at - interval '9 days'")
    assert (await reassign(platform, dated=day, source="other"))["closed"] == 1


# Marks -------------------------------------------------------------------------------------


async def test_without_the_mark_a_new_import_opens_as_for_anybody(platform: Platform) -> None:
    """What she was warned of: nothing knows any more that she ever refused."""
    await platform.consent([SHE])
    await refuse(platform)
    assert await erase(platform, keep_mark=False) == "erased"
    assert await platform.value("SELECT count(*) FROM number_mark") == 0
    await platform.consent([SHE], 2)
    assert (await platform.send([SHE], place=2))["allowed"] == 1
    await platform.until(lambda: len(marketing_to(platform)) == 1, "it left")


async def test_nobody_without_the_key_file_can_test_a_number(platform: Platform) -> None:
    """Everything that a thief of database and ledger has is tried as a key, and none opens it."""
    await platform.consent([SHE])
    secret = await platform.value("SELECT secret FROM person WHERE msisdn = $1", HER)
    await erase(platform)
    mark = bytes(await platform.value("SELECT digest FROM number_mark"))
    told = await platform.sql("SELECT mark, (SELECT sealed FROM ledger_key) AS key FROM vault_mark")
    keys = [b"", bytes(secret), bytes(told[0]["mark"]), bytes(told[0]["key"])]
    kinds_ = ("", "number mark\0", "actor.phone\0", "phone\0", "vault\0")
    for plain in (SHE, str(HER), f"+{HER}"):
        for kind in kinds_:
            words = f"{kind}{plain}".encode()
            assert hashlib.sha256(words).digest() != mark
            assert all(hmac.digest(key, words, hashlib.sha256) != mark for key in keys)
    vault = platform.node.vault
    assert Marks(vault).digest(HER) == mark, "with the key file anybody can: its theft tells this"
    assert vault.digest(str(HER), "phone") != mark, "the digest is used for nothing else"
    other = Vault({1: bytes(range(32))}, lambda n: bytes(n))
    assert Marks(other).digest(HER) != mark
    with pytest.raises(Unavailable):
        Marks().digest(HER)


def test_the_warning_is_told_in_the_documents() -> None:
    text = (Path(__file__).parents[2] / "docs" / "erasure.md").read_text("utf-8")
    for lang in ("zh", "en"):
        assert word("erase_warning", lang) in text


async def test_what_she_gives_herself_counts_afterwards(platform: Platform) -> None:
    await platform.consent([SHE])
    await erase(platform)
    await platform.consent([SHE])
    assert (await platform.send([SHE]))["allowed"] == 0
    node = platform.node
    programme = next(one for one in node.catalogue.programmes.values() if one.sender_id == 1)
    new = await person_of(platform)
    assert new is not None
    yes = Entry(
        at_ms=int(platform.clock.now() * 1000),
        kind=Kind.GRANTED,
        person=new,
        group=node.catalogue.senders[1].group_id,
        sender=1,
        programme=programme.id,
        purposes=programme.purposes,
        channel=Channel.SMS,
        origin=Origin.RECEIVER,
        grade=Grade.RECEIVER,
    )
    async with node.store.transaction() as tx:
        done = await append(tx, [yes], utc(platform.clock.now()))
        await project(tx, [(done.positions[0], yes)])
    await node.live.sync(node.store)
    assert (await platform.send([SHE]))["allowed"] == 1


async def test_all_processes_forget_by_what_is_announced(platform: Platform) -> None:
    """Another process erases; nobody tells this one but the ledger's channel."""
    await platform.consent([SHE])
    node = platform.node
    known = node.directory._id_of
    assert known.get(np.array([HER], np.uint64))[0] > 0
    other = await Store.open(platform.url, min=1, max=1)
    try:
        await Erasing(other, node.clock, node.vault).erase(Wish(HER, "receiver"))
    finally:
        await other.close()
    await platform.until(lambda: not known.get(np.array([HER], np.uint64))[0], "it is forgotten", 3)
    assert all(HER not in part.base[0] and HER not in part.recent[0] for part in known._parts)


async def test_a_mark_leads_to_no_entry(platform: Platform) -> None:
    await erase(platform)
    columns = await platform.sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'number_mark'"
    )
    assert {row[0] for row in columns} == {"digest", "why", "month"}
    assert (await platform.value("SELECT month FROM number_mark")).day == 1


async def test_marked_numbers_are_met_in_a_large_import(platform: Platform) -> None:
    """More of them than a transaction may append, and one look-up of marks a batch."""
    directory, store = platform.node.directory, platform.node.store
    at = utc(platform.clock.now())
    many = np.arange(8613700000000, 8613700003000, dtype=np.uint64)
    marks = Marks(platform.node.vault)
    async with store.transaction() as tx:
        await marks.put(tx, many[:1500].astype(int).tolist(), "reassigned", at)
    people = await directory.ids(store, many, at)
    assert (people > 0).all()
    rows = await platform.sql("SELECT person_id FROM entry WHERE kind = 11")
    assert {row[0] for row in rows} == set(people[:1500].tolist())
    firsts = await platform.value(
        "SELECT count(*) FROM entry e WHERE e.kind = 11 AND EXISTS"
        " (SELECT FROM entry f WHERE f.person_id = e.person_id AND f.position < e.position)"
    )
    assert firsts == 0


async def test_who_is_made_while_an_erasure_commits_meets_its_mark(platform: Platform) -> None:
    """The number is met by another process in the very moment: its row waits for ours."""
    await platform.consent([SHE])
    node = platform.node
    old = await person_of(platform)
    other = type(node.directory)(Marks(node.vault))
    connection = await asyncpg.connect(platform.url)
    try:
        async with connection.transaction():
            await connection.execute(
                "UPDATE person SET msisdn = NULL, secret = NULL WHERE id = $1", old
            )
            waiting = asyncio.ensure_future(
                other._make(node.store, [HER], utc(platform.clock.now()))
            )
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await connection.execute(
                "INSERT INTO number_mark VALUES ($1, 'erased', '2026-11-01')",
                Marks(node.vault).digest(HER),
            )
        await waiting
    finally:
        await connection.close()
    new = await person_of(platform)
    assert new not in (None, old)
    assert await kinds(platform, new) == [Kind.RECEIVER_ONLY]


async def test_what_is_read_while_somebody_is_forgotten_is_not_remembered(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.consent([SHE])
    node = platform.node
    old = await person_of(platform)
    assert old is not None
    directory = type(node.directory)(Marks(node.vault))
    fetch = node.store.fetch

    async def slow(name: str, *args: Any) -> Any:
        rows = await fetch(name, *args)
        if name in ("people_by_msisdn", "people_by_id"):
            monkeypatch.setattr(node.store, "fetch", fetch)
            await erase(platform)
            directory.forget(np.array([old], np.uint32))
        return rows

    monkeypatch.setattr(node.store, "fetch", slow)
    at = utc(platform.clock.now())
    msisdns = np.array([HER], np.uint64)
    assert (await directory.ids(node.store, msisdns, at)).tolist() == [old]
    assert len(directory) == 0, "it was read before"
    assert (await directory.msisdns(node.store, np.array([old], np.uint32))).tolist() == [0]
    assert (await directory.ids(node.store, msisdns, at)).tolist() != [old]


# What was queued ---------------------------------------------------------------------------


async def test_nothing_that_was_queued_leaves_not_even_a_code(
    migrated_url: str, tmp_path: Path
) -> None:
    async with running(migrated_url, tmp_path) as platform:
        await platform.consent([SHE, number("mobile", 9)])
        later = datetime.fromtimestamp(platform.clock.now(), UTC) + timedelta(seconds=3)
        for purpose in ("marketing", "verification", "notification"):
            told = await platform.send([SHE, number("mobile", 9)], purpose, not_before=later)
            assert told["allowed"] == 2
        await erase(platform)
        await platform.until(lambda: len(platform.submits()) >= 3, "the other one's left")
        await asyncio.sleep(0.5)
        assert [one for one in platform.submits() if SHE in str(one)] == []
        assert HER not in [
            number_ for work in platform.node.dispatcher.leases.all() for number_ in work.msisdns
        ]


async def test_customers_software_is_not_told_what_comes_from_nobody(platform: Platform) -> None:
    """A parcel that waited: her replies are dropped, receipts come without her number."""
    await platform.consent([SHE])
    node, person = platform.node, await person_of(platform)
    assert person is not None
    receipt = receipt_item([1, 2], person, PLAIN, "", "106", "DELIVRD", 0, 0.0, 0.0, 0)
    stored = [reply_item(7, person, "106900011", "hello", 0.0), receipt]
    assert len(await items_of(node.store, node.directory, stored)) == 3
    await erase(platform)
    told = await items_of(node.store, node.directory, stored)
    assert [type(one) for one in told] == [CustomerReceipt, CustomerReceipt]
    assert [one.number for one in told] == ["", ""]


# What is left ------------------------------------------------------------------------------


def forms(msisdn: int) -> dict[str, str]:
    """Return how a number could stand in a dump of the database, as text or in octets."""
    digits = str(msisdn)
    national = digits[2:] if is_mainland(msisdn) else digits
    wide = "".join(chr(0xFF10 + int(digit)) for digit in national)
    apart = (f"{national[:3]} {national[3:7]} {national[7:]}",
             f"{national[:3]}-{national[3:7]}-{national[7:]}")  # fmt: skip
    found = {national: national, wide: wide, apart[0]: apart[0], apart[1]: apart[1]}
    for text in (national, *apart):
        found[f"ascii {text}"] = text.encode().hex()
        found[f"ucs2 {text}"] = text.encode("utf-16-be").hex()
    found["utf-8"] = wide.encode().hex()
    for order in ("little", "big"):
        found[f"number {order}"] = msisdn.to_bytes(6, order).hex()
    return found


async def dump(platform: Platform) -> dict[str, str]:
    """Return every row of every table as text, by table."""
    tables = await platform.sql(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    )
    found = {}
    for row in tables:
        name = row["relname"]
        rows = await platform.sql(f'SELECT t::text AS text FROM "{name}" t')
        found[name] = "\n".join(one["text"] for one in rows)
    return found


def hits(tables: dict[str, str], msisdn: int = HER) -> set[tuple[str, str]]:
    return {
        (table, form)
        for table, text in tables.items()
        for form, wanted in forms(msisdn).items()
        if wanted in text
    }


async def leave_traces(platform: Platform) -> None:
    """Have her number stand wherever it can: in variables, texts, reports, replies, an upload."""
    # Screening would hold texts that numbers are put into.
    platform.node.screening.texts.screens = platform.node.screening.texts._load = None
    other = number("mobile", 9)
    await platform.consent([SHE, other])
    words = f"{SHE[:3]} {SHE[3:7]}-{SHE[7:]}"
    marketing = {"text": "尊敬的{who}，夏装上新。客服电话400-820-1234。拒收请回复R"}
    variables = {"who": f"{SHE}及{words}"}
    await platform.send([SHE, other], variables=variables, **marketing)
    alone = f"您的号码{SHE}夏装上新。客服电话400-820-1234。拒收请回复R"
    await platform.send([SHE], text=alone)
    await platform.until(lambda: _counts(platform, "batch_final", 2), "the messages are over", 20)
    await refuse(platform, f"请问{SHE}还有货吗 {words}")
    campaigns, caller = platform.node.campaigns, platform.caller()
    audience = await campaigns.create_audience(caller, "a", "shop")
    rows = np.arange(2, dtype=np.uint32)
    msisdns = np.array([HER, int("86" + other)], np.uint64)
    columns = {"phone": [SHE, other], "name": ["王小姐", "李先生"]}
    await campaigns.add_chunk(audience, 0, rows, msisdns, np.zeros(2, np.uint8), columns)
    await campaigns.finish_audience(audience, ["phone", "name"])


async def test_no_occurrence_of_the_number_is_left(platform: Platform) -> None:
    await leave_traces(platform)
    other = int("86" + number("mobile", 9))
    before = hits(await dump(platform))
    tables = {table for table, _ in before}
    assert tables >= {"person", "batch", "receipt_log", "inbound", "reply", "event",
                      "audience_chunk"}  # fmt: skip
    untouched = hits(await dump(platform), other)
    person = await person_of(platform)
    assert await erase(platform) == "erased"
    await walk(platform)
    left = await dump(platform)
    assert hits(left) == set()
    assert hits(left, other) == untouched, "what belongs to others stays"
    assert "王小姐".encode().hex() not in left["audience_chunk"]
    row = (await platform.sql("SELECT secret, msisdn FROM person WHERE id = $1", person))[0]
    assert (row["secret"], row["msisdn"]) == (None, None)
    state = "SELECT state FROM erasure"
    assert await platform.value(state) == "cleaning", "a late report may still come"
    await walk(platform, late=True)
    assert await platform.value(state) == "done"
    assert await platform.value("SELECT sealed FROM erasure") is None
    assert hits(await dump(platform)) == set()


async def test_the_inventory_names_every_table_that_knows_people(platform: Platform) -> None:
    """Whoever adds a table about receivers says in docs/erasure.md what erasure does to it."""
    text = (Path(__file__).parents[2] / "docs" / "erasure.md").read_text("utf-8")
    rows = await platform.sql(
        "SELECT DISTINCT c.table_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        " AND c.column_name IN ('person_id', 'people', 'msisdn')"
        " AND c.table_name !~ '_[0-9]{6}$'"
    )
    assert len(rows) > 20
    assert sorted(row[0] for row in rows if f"`{row[0]}`" not in text) == []


async def test_a_late_report_makes_nobody_known_and_is_cleaned(platform: Platform) -> None:
    await leave_traces(platform)
    await erase(platform)
    await walk(platform)
    raw = b"x" * 20 + SHE.encode() + b"x" * 20
    await platform.sql(
        "INSERT INTO receipt_parked (at, carrier, carrier_id, person_id, state, raw)"
        " VALUES ($1, 'mobile', 1, 0, 3, $2)",
        utc(platform.clock.now()), raw,
    )  # fmt: skip
    assert await platform.node.replies.known_people([SHE, number("mobile", 9)]) != [0, 0]
    assert (await platform.node.replies.known_people([SHE]))[0] == 0
    assert await person_of(platform) is None
    await walk(platform, late=True)
    assert hits(await dump(platform)) == set()


async def test_the_texts_of_her_messages_go_when_their_time_is_over(platform: Platform) -> None:
    await leave_traces(platform)
    await erase(platform)
    await walk(platform)
    assert "夏装上新" in await platform.value("SELECT string_agg(content, '') FROM batch")
    await platform.sql("UPDATE erasure SET texts_due = at")
    await walk(platform)
    contents = [row[0] for row in await platform.sql("SELECT content FROM batch ORDER BY id")]
    assert "尊敬的{who}" in contents[0], "the other one's too"
    assert contents[1] == ""
    assert await platform.value("SELECT texts_due FROM erasure") is None
