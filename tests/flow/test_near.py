"""Texts leave signatures, groups come before reviewers, platforms exchange fingerprints."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assent.consent.note import KeyKind, PublicKey, SigningKey
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.fingerprint_file import Fingerprint, named, read, rounded, written
from assent.flow.fingerprints import Fingerprints
from assent.flow.groups import GroupMatter, Groups
from assent.flow.groups_shown import GroupsShown
from assent.flow.near_files import NearFiles
from assent.flow.near_requests import (
    FingerprintExport,
    FingerprintImport,
    FingerprintPeer,
    FingerprintWithdrawal,
)
from assent.flow.needs import utc
from assent.flow.prints import Prints
from assent.flow.requests import Caller
from assent.flow.returned import Returned, SameTextMatter
from assent.flow.vault import Vault
from assent.screen.minhash import OCTETS, signatures
from assent.screen.near import Index
from assent.screen.shingles import shingles
from assent.store import Store
from tests.flow.front_site import SUNDAY, Site, open_site

SCRIPT = (
    "【{name}】尊敬的客户，您在我行的备用金额度398000元即将于3月15日失效，"
    "请尽快回复1办理，客服0755-{tail}"
)
OWN = (
    "春季新品上市，全场{n}折起，凭此短信到店领取礼品一份，数量有限先到先得",
    "您预订的第{n}号包间已为您保留至晚上七点，停车请走北门地下车库入口",
    "本周六上午举办亲子烘焙课堂，名额{n}个，报名请到前台登记联系老师",
    "您送修的电器已经检测完毕，费用共计{n}元，请携带取件单前来领取",
)


class Room:
    """A front door with the rooms of same texts beside it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        parts = (site.store, site.clock)
        self.vault = Vault({1: bytes(range(32))}, secrets.token_bytes)
        self.prints = Prints(*parts, self.vault)
        self.groups = Groups(*parts, site.front.desk)
        self.shown = GroupsShown(site.store, site.catalogue)
        self.exchange = self.platform("one.example")
        self.returned = Returned(*parts, site.front.desk)
        site.front.desk.plug(GroupMatter())
        site.front.desk.plug(SameTextMatter())
        operator = site.accounts["operator"]
        self.admin = Caller(operator, frozenset({"admin"}), False, 4)

    def platform(self, origin: str) -> Fingerprints:
        parts = (self.site.store, self.site.clock, self.site.catalogue)
        return Fingerprints(*parts, self.vault, secrets.token_bytes, origin)

    async def company(self, n: int, body: str, *, group: int | None = None, **more: Any) -> None:
        """A company with an account, a sender and a template that it handed in."""
        at = utc(SUNDAY + n)
        (row,) = await self.site.sql(
            """WITH e AS (INSERT INTO entity (credit_code, legal_name, kind, created_at)
                VALUES ('E' || $1, 'E' || $1, 'company', $3) RETURNING id),
            g AS (INSERT INTO sender_group (name) VALUES ('G' || $4) ON CONFLICT (name)
                DO UPDATE SET name = excluded.name RETURNING id),
            a AS (INSERT INTO account (name, kind, price_micro, created_at, entity_id)
                SELECT 'A' || $1, 'company', 1, $3, e.id FROM e RETURNING id),
            s AS (INSERT INTO sender (group_id, credit_code, legal_name, contact, industry,
                created_at, entity_id) SELECT g.id, 'E' || $1, 'E' || $1, '', '', $3, e.id
                FROM e, g RETURNING id)
            INSERT INTO template (sender_id, name, purpose, body, basis, status, created_at,
                account_id) SELECT s.id, 't', 2, $2, '', 'submitted', $3, a.id FROM s, a
            RETURNING (SELECT id FROM e)""",
            str(n), body, at, str(n if group is None else group),
        )  # fmt: skip
        if more.get("scan"):
            await self.site.sql(
                """INSERT INTO document (entity_id, kind, state, seen, created_at)
                VALUES ($1, 'business_licence', 'accepted', 'scan', $2)""",
                row[0], at,
            )  # fmt: skip

    async def companies(self, honest: int = 60, ring: int = 10) -> None:
        for n in range(honest):
            draw = Random(n)
            body = "".join(chr(draw.randrange(0x4E00, 0x5E00)) for _ in range(50))
            await self.company(100 + n, f"{body}，详见{n % 2}.short.example")
        for n in range(ring):
            body = SCRIPT.format(name=f"公司{n}", tail=f"8600{n:04d}")
            await self.company(n, body, scan=True)

    async def step(self) -> list[int]:
        while await self.prints.step():
            pass
        return await self.groups.look()


@pytest.fixture
async def room(fresh_store: Store) -> Room:
    return Room(await open_site(fresh_store))


async def test_ten_companies_with_one_script_are_seen_on_the_first_day(room: Room) -> None:
    await room.companies()
    for n in range(6):  # shops of one brand that lawfully share a text
        body = "【同心茶饮】会员日全场第二杯半价，到店出示本短信即可享受"
        await room.company(500 + n, body, group=500)
    (group,) = await room.step()
    item = await room.site.item("group")
    assert item["reasons"] == [
        {
            "code": "acting_together",
            "en": "10 senders who name different owners act together;"
            " 10 of them showed electronic copies only",
            "zh": "10 家自称无关联的发送方行动一致，其中 10 家仅提供电子影印件",
            "parties": 10, "accounts": 10, "copies": 10,
        }
    ]  # fmt: skip
    assert item["signals"][0]["code"] == "shared_text"
    told = await room.shown.show(room.site.auditor, group)
    assert {one["account"] for one in told["members"]} == {f"A{n}" for n in range(10)}
    assert {one["what"] for one in told["texts"]} == {"template"}
    assert len(told["texts"]) == 10
    assert told["copies"] == 10
    # Nothing new: nothing is told again.
    assert await room.step() == []
    listed = await room.shown.list(room.site.auditor, "open", 0, 100)
    assert [one["id"] for one in listed["items"]] == [str(group)]


async def test_a_group_comes_back_when_it_has_grown(room: Room) -> None:
    await room.companies(honest=0, ring=6)
    (group,) = await room.step()
    await room.site.decide(await room.site.item("group"))
    assert (await room.shown.show(room.site.one, group))["state"] == "lawful"
    await room.company(6, SCRIPT.format(name="公司6", tail="86000006"))
    assert await room.step() == []  # one more is not news
    for n in range(7, 9):
        await room.company(n, SCRIPT.format(name=f"公司{n}", tail=f"8600{n:04d}"))
    assert await room.step() == [group]
    await room.site.decide(await room.site.item("group"), "refuse")
    assert (await room.shown.show(room.site.one, group))["state"] == "harmful"
    await room.company(9, SCRIPT.format(name="公司9", tail="86000009"))
    assert await room.step() == [group]  # of a harmful one anybody new is
    told = await room.shown.show(room.site.one, group)
    assert (told["parties"], told["state"]) == (10, "open")


async def test_a_second_look_of_another_process_finds_the_same_group(room: Room) -> None:
    await room.companies(honest=0, ring=6)
    await room.step()
    other = Prints(room.site.store, room.site.clock, room.vault)
    assert await other.step() == 6
    assert await other.step() == 0
    assert len(other.index) == len(room.prints.index) > 0
    again = Groups(room.site.store, room.site.clock, room.site.front.desk)
    assert await again.look() == []


async def test_only_staff_see_groups(room: Room) -> None:
    with pytest.raises(NotAllowed):
        await room.shown.list(room.site.callers["shop"], None, 0, 10)
    with pytest.raises(NotFound):
        await room.shown.show(room.site.one, 99)


REFUSE_LAST = """UPDATE template SET status = 'refused'
    WHERE id = (SELECT max(id) FROM template)"""


async def test_a_text_that_was_turned_down_comes_back_under_another_name(room: Room) -> None:
    await room.company(1, SCRIPT.format(name="甲", tail="86000001"))
    await room.site.sql(REFUSE_LAST)
    await room.company(2, "您预订的第三号包间已为您保留至晚上七点，停车请走北门地下车库入口")
    await room.prints.step()
    assert await room.returned.look() == []  # its own sender mends it: that is no news
    await room.company(3, SCRIPT.format(name="乙丙公司", tail="86000003"))
    await room.prints.step()
    (text,) = await room.returned.look()
    item = await room.site.item("same_text", str(text))
    assert item["reasons"][0]["code"] == "turned_down_before"
    assert item["account"] == "A3"
    shown = await room.site.front.desk.show(room.site.one, int(item["id"]))
    assert [one["account"] for one in shown["subject"]["texts"]] == ["A1", "A3"]
    assert await room.returned.look() == []
    await room.site.decide(item, "refuse")
    refused = "SELECT count(*) FROM text_print WHERE refused_at IS NOT NULL"
    assert await room.site.value(refused) == 1
    await room.company(4, SCRIPT.format(name="丁公司", tail="86000004"))
    await room.prints.step()
    assert len(await room.returned.look()) == 1


async def test_what_another_platform_turned_down_is_told(room: Room) -> None:
    await room.exchange.trust(room.admin, FingerprintPeer(key=str(KEY.public)))
    file = written(KEY, DAY, prints_of(SCRIPT.format(name="公司甲", tail="12345678")))
    await room.exchange.take(room.admin, FingerprintImport(file=file))
    await room.company(1, SCRIPT.format(name="公司乙", tail="86000001"))
    await room.prints.step()
    (text,) = await room.returned.look()
    item = await room.site.item("same_text", str(text))
    shown = await room.site.front.desk.show(room.site.one, int(item["id"]))
    (known,) = shown["subject"]["known_elsewhere"]
    assert (known["platform"], known["refused"]) == (KEY.public.name, True)
    await room.site.decide(item)
    assert await room.returned.look() == []


# Files --------------------------------------------------------------------------------------------

KEY = SigningKey("two.example/fingerprints", KeyKind.NOTE, bytes(range(32)))
DAY = date(2026, 11, 22)


def prints_of(*texts: str) -> list[Fingerprint]:
    made = signatures(shingles(list(texts)))
    return [Fingerprint(row.tobytes(), "credit_bait", DAY, DAY, 20, True) for row in made]


def test_a_file_reads_back_and_any_change_is_refused() -> None:
    rows = prints_of(*(text.format(n=n) for n, text in enumerate(OWN)))
    file = written(KEY, DAY, rows)
    assert named(file) == KEY.public.name
    told = read(file, KEY.public)
    assert set(told.rows) == set(rows)
    assert (told.platform, told.made) == (KEY.public.name, DAY)
    for place in range(0, len(file), 7):
        for change in ("", "A", "\n", "9"):
            damaged = file[:place] + change + file[place + 1 :]
            if damaged != file:
                with pytest.raises(InvalidInput):
                    read(damaged, KEY.public)
    other = SigningKey(KEY.public.name, KeyKind.NOTE, bytes(32))
    with pytest.raises(InvalidInput):
        read(file, other.public)
    assert read(written(KEY, DAY, []), KEY.public).rows == ()


def test_rows_have_one_form() -> None:
    good = prints_of(*(text.format(n=n) for n, text in enumerate(OWN)))
    twice = [good[0], good[0]]
    unrounded = [Fingerprint(good[0].signature, "", DAY, DAY, 3, False)]
    backwards = [Fingerprint(good[0].signature, "", DAY, date(2026, 1, 1), 1, False)]
    unknown = [Fingerprint(good[0].signature, "nonsense", DAY, DAY, 1, False)]
    empty = [Fingerprint(bytes(OCTETS), "", DAY, DAY, 1, False)]
    for rows in (twice, unrounded, backwards, unknown, empty):
        with pytest.raises(InvalidInput) as raised:
            read(written(KEY, DAY, rows), KEY.public)
        assert raised.value.code == "fingerprint_file"
    assert [rounded(n) for n in (0, 1, 3, 7, 10, 49, 99, 100, 4_999)] == [
        1, 1, 2, 5, 10, 20, 50, 100, 2_000,
    ]  # fmt: skip


async def test_what_leaves_tells_of_shared_or_refused_texts_only(room: Room) -> None:
    await room.companies(honest=6, ring=3)
    await room.company(90, "【独家】本店祖传秘方老汤牛肉面，今日起恢复堂食，恭候各位老主顾光临品尝")
    await room.site.sql("""UPDATE template SET status = 'refused'
        WHERE id = (SELECT max(id) FROM template)""")
    await room.step()
    told = await room.exchange.export(room.admin, FingerprintExport())
    file = read(told["file"], PublicKey.parse(told["key"]))
    expected = signatures(shingles([SCRIPT.format(name="公司0", tail="86000000")]))[0]
    (script,) = [row for row in file.rows if not row.refused]
    assert np.mean(np.frombuffer(script.signature, np.uint8) == expected) > 0.8
    assert script.uses == 2  # of three templates
    (turned_down,) = [row for row in file.rows if row.refused]
    assert (turned_down.uses, turned_down.first) == (1, date(2026, 11, 22))
    acts = await room.site.sql("SELECT what, after FROM staff_act WHERE what LIKE 'fingerprints%'")
    assert [row["what"] for row in acts] == ["fingerprints.export"]
    # Four accounts asked for: the script is not told.
    more = await room.exchange.export(room.admin, FingerprintExport(least=4))
    assert more["rows"] == 1
    # The key is made once.
    assert (await room.exchange.peers(room.admin))["own"] == told["key"]


async def test_what_comes_is_taken_from_known_platforms_and_can_be_withdrawn(room: Room) -> None:
    file = written(KEY, DAY, prints_of(SCRIPT.format(name="公司甲", tail="12345678"), OWN[0]))
    wanted = FingerprintImport(file=file)
    with pytest.raises(InvalidInput) as raised:
        await room.exchange.take(room.admin, wanted)
    assert raised.value.code == "fingerprint_peer"
    peer = FingerprintPeer(key=str(KEY.public))
    await room.exchange.trust(room.admin, peer)
    with pytest.raises(Conflict):
        await room.exchange.trust(room.admin, peer)
    taken = await room.exchange.take(room.admin, wanted)
    assert (taken["rows"], taken["new"]) == (2, True)
    again = await room.exchange.take(room.admin, wanted)
    assert (again["id"], again["new"]) == (taken["id"], False)
    await room.companies(honest=0, ring=6)
    (group,) = await room.step()
    known = (await room.shown.show(room.site.one, group))["known_elsewhere"]
    assert {(one["platform"], one["category"], one["refused"]) for one in known} == {
        (KEY.public.name, "credit_bait", True)
    }
    assert known[0]["similarity"] > 0.6
    (source,) = (await room.exchange.sources(room.admin, 0, 10))["items"]
    assert source["near_ours"] >= 1
    withdrawal = FingerprintWithdrawal(reason="来源有误")
    await room.exchange.withdraw(room.admin, int(taken["id"]), withdrawal)
    with pytest.raises(NotFound):
        await room.exchange.withdraw(room.admin, int(taken["id"]), withdrawal)
    with pytest.raises(Conflict):
        await room.exchange.take(room.admin, wanted)
    await room.step()
    assert (await room.shown.show(room.site.one, group))["known_elsewhere"] == []
    assert not {pair[0] for row in room.prints.index.near(
        signatures(shingles([OWN[0]]))).lists(1) for pair in row if pair[0] < 0}  # fmt: skip
    await room.exchange.distrust(room.admin, KEY.public.name)
    with pytest.raises(NotFound):
        await room.exchange.distrust(room.admin, KEY.public.name)


async def test_a_file_that_comes_after_the_texts_tells_of_them_too(room: Room) -> None:
    await room.companies(honest=0, ring=6)
    (group,) = await room.step()
    await room.exchange.trust(room.admin, FingerprintPeer(key=str(KEY.public)))
    file = written(KEY, DAY, prints_of(SCRIPT.format(name="公司甲", tail="12345678")))
    await room.exchange.take(room.admin, FingerprintImport(file=file))
    await room.step()
    assert (await room.shown.show(room.site.one, group))["known_elsewhere"]


async def test_our_own_key_is_not_entered(room: Room) -> None:
    own = (await room.exchange.peers(room.admin))["own"]
    with pytest.raises(InvalidInput):
        await room.exchange.trust(room.admin, FingerprintPeer(key=own))


async def test_what_nobody_used_for_long_is_forgotten(room: Room) -> None:
    await room.companies(honest=4, ring=6)
    await room.step()
    kept = len(room.prints.index)
    await room.prints.forget(SUNDAY - 1)
    assert await room.site.value("SELECT count(*) FROM text_print") == kept
    await room.prints.forget(SUNDAY + 86_400)
    assert await room.site.value("SELECT count(*) FROM text_print") == 0
    assert await room.site.value("SELECT count(*) FROM text_use") == 0
    made = signatures(shingles([SCRIPT.format(name="公司0", tail="86000000")]))
    assert room.prints.index.near(made).lists(1) == [[]]


# The index in files -------------------------------------------------------------------------------


def filled(count: int, portion: int = 50) -> Index:
    rng = np.random.default_rng(count)
    made = rng.integers(0, 256, (count, OCTETS), np.uint8)
    index = Index()
    for at in range(0, count, portion):
        index.add(np.arange(at, at + len(made[at : at + portion])), made[at : at + portion])
    return index


def test_an_index_comes_back_from_its_files_and_only_news_is_written(tmp_path: Path) -> None:
    files = NearFiles(tmp_path / "near")
    assert files.load() is None
    index = filled(330)
    index.drop([3, 1_000])
    assert files.save(index, {"last": 7}) == len(index.segments) > 1
    assert files.save(index, {"last": 8}) == 0
    index.add([400], np.full((1, OCTETS), 9, np.uint8))
    assert files.save(index, {"last": 9}) == 1
    again = NearFiles(tmp_path / "near").load()
    assert again is not None
    found, marks = again
    assert marks == {"last": 9}
    assert len(found) == len(index)
    sought = np.concatenate([segment.signatures for segment in index.segments])
    assert found.near(sought).lists(len(sought)) == index.near(sought).lists(len(sought))
    assert not any(pair[0] == 3 for row in found.near(sought).lists(len(sought)) for pair in row)
    names = {path.name for path in (tmp_path / "near").iterdir()}
    assert len(names) == len(index.segments) + 1  # what was merged away is gone


@given(st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_file_is_named(tmp_path: Path, data: st.DataObject) -> None:
    directory = tmp_path / secrets.token_hex(4)
    NearFiles(directory).save(filled(20, 12), {})
    paths = sorted(directory.iterdir())
    path = paths[data.draw(st.integers(0, len(paths) - 1))]
    octets = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(octets) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "gone"])):
        case "flip":
            octets[place] ^= data.draw(st.integers(1, 255))
            path.write_bytes(octets)
        case "cut":
            path.write_bytes(octets[:place])
        case _ if path.suffix == ".segment":
            path.unlink()
        case _:
            return  # without a list nothing was saved
    with pytest.raises(InvalidInput, match=path.name) as raised:
        NearFiles(directory).load()
    assert raised.value.code == "near_file"


async def test_a_process_goes_on_with_the_files_of_the_one_before(
    room: Room, tmp_path: Path
) -> None:
    parts = (room.site.store, room.site.clock, room.vault)
    first = Prints(*parts, files=NearFiles(tmp_path))
    assert await first.save() == 0  # what was not loaded is not kept
    await room.companies(honest=5, ring=0)
    await first.step()
    await first.step()
    assert await first.save() >= 1
    await room.company(90, "您预订的第三号包间已为您保留至晚上七点，停车请走北门地下车库入口")
    second = Prints(*parts, files=NearFiles(tmp_path))
    await second.step()
    await second.step()
    assert len(second.index) == 6
    # Files of a database that was restored from an older backup are of no use.
    await second.save()
    await room.site.sql("DELETE FROM text_print WHERE id = (SELECT max(id) FROM text_print)")
    third = Prints(*parts, files=NearFiles(tmp_path))
    await third.step()
    assert len(third.index) == 5
    # A damaged one is named once; the next look builds the index anew.
    (tmp_path / "index.near").write_bytes(b"?")
    fourth = Prints(*parts, files=NearFiles(tmp_path))
    with pytest.raises(InvalidInput, match=r"index\.near"):
        await fourth.step()
    await fourth.step()
    assert len(fourth.index) >= 5
