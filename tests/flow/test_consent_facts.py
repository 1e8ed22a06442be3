"""What a consent carries: in its entry, in the statement behind it, and sealed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from assent.consent.entry import Entry, decode
from assent.errors import AssentError
from assent.flow.asking_requests import ConsentLook
from assent.flow.requests import ConsentImport
from tests.flow.conftest import Platform, number

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
WORDS = "我同意接收商户1的优惠信息，每周两条，为期一年。"
EVIDENCE = hashlib.sha256(b"her form").hexdigest()


def order(*people: str, rows: list[dict[str, Any]] | None = None, **more: Any) -> ConsentImport:
    listed = rows or [{"to": who, "at": AT} for who in people]
    fields = {
        "sender": "CODE1", "programme": "offers", "grade": "document", "wording": "v7",
        "source": "shop form", "consents": listed, **more,
    }  # fmt: skip
    return msgspec.convert(fields, ConsentImport)


async def brought(platform: Platform, request: ConsentImport) -> dict[str, Any]:
    caller = platform.caller()
    told = await platform.node.consents.import_rows(caller, request, key=None, sha=b"")
    await platform.node.live.sync(platform.node.store)
    answer: dict[str, Any] = json.loads(told)
    return answer


async def entries(platform: Platform) -> list[Entry]:
    rows = await platform.sql("SELECT body FROM entry WHERE person_id > 0 ORDER BY position")
    return [decode(row["body"]) for row in rows]


async def test_an_import_says_how_and_in_which_words(platform: Platform) -> None:
    who = number("mobile", 1)
    await brought(platform, order(who, how="form", wording_text=WORDS, declared=["bundled"],
                                  kinds="优惠", frequency="每周两条", period="一年"))  # fmt: skip
    (entry,) = await entries(platform)
    kept = (await platform.sql("SELECT * FROM consent_import"))[0]
    assert hashlib.sha256(kept["statement"].encode()).digest() == entry.statement
    said = json.loads(kept["statement"])
    assert (said["how"], said["declared"], said["source"]) == ("form", ["bundled"], "shop form")
    assert said["wording_sha256"] == hashlib.sha256(WORDS.encode()).hexdigest()
    wording = (await platform.sql("SELECT * FROM wording WHERE id = $1", entry.wording))[0]
    assert (wording["version"], wording["words"]) == ("v7", WORDS)
    assert wording["sha256"] == hashlib.sha256(WORDS.encode()).digest()
    first = wording["first_used"]
    await brought(platform, order(number("mobile", 2), wording_text=WORDS))
    again = (await platform.sql("SELECT first_used FROM wording WHERE version = 'v7'"))[0]
    assert again["first_used"] == first
    shown = await platform.node.asking_desk.shown.look(
        platform.caller(), ConsentLook(number=who, sender="CODE1")
    )
    item = shown["items"][0]
    assert (item["how"], item["wording"], item["declared"]) == ("form", "v7", ["bundled"])
    assert item["statement_sha256"] == entry.statement.hex()


async def test_an_import_that_says_no_more_is_its_source(platform: Platform) -> None:
    await brought(platform, order(number("mobile", 1)))
    (entry,) = await entries(platform)
    assert entry.statement == hashlib.sha256(b"shop form").digest()


async def test_the_words_of_a_version_never_change(platform: Platform) -> None:
    await brought(platform, order(number("mobile", 1)))  # its words were not handed in yet
    await brought(platform, order(number("mobile", 2), wording_text=WORDS))
    with pytest.raises(AssentError) as caught:
        await brought(platform, order(number("mobile", 3), wording_text=WORDS + "！"))
    assert (caught.value.code, caught.value.field) == ("wording_changed", "wording_text")
    assert len(await entries(platform)) == 2
    await brought(platform, order(number("mobile", 3), wording_text=WORDS + "！", wording="v8"))


async def test_from_where_and_by_what_is_kept_of_each_row(platform: Platform) -> None:
    people = [number("mobile", place) for place in range(1, 5)]
    rows: list[dict[str, Any]] = [{"to": who, "at": AT} for who in people]
    rows[0] |= {"place": "203.0.113.9", "evidence": EVIDENCE}
    rows[1] |= {"place": " 203.0.113.9 "}
    rows[2] |= {"place": "上海南京路店"}
    rows.append({"to": "12", "at": AT, "place": "198.51.100.1"})  # no number: nothing is kept
    told = await brought(platform, order(rows=rows))
    assert (told["accepted"], told["refused"]) == (4, 1)
    kept = await platform.sql("SELECT * FROM consent_proof ORDER BY person_id")
    assert len(kept) == 3
    digests = [row["place_digest"] for row in kept]
    assert digests[0] == digests[1] != digests[2]  # the same place is found, nobody reads which
    assert not any(b"203.0.113" in row["place_sealed"] for row in kept)
    assert kept[0]["evidence_sha256"].hex() == EVIDENCE
    statements = {entry.statement for entry in await entries(platform)}
    assert len(statements) == 1
    shown = [
        (await platform.node.asking_desk.shown.look(
            platform.caller(), ConsentLook(number=who, sender="CODE1")))["items"][0]
        for who in people
    ]  # fmt: skip
    assert [item["evidence_sha256"] for item in shown] == [EVIDENCE, None, None, None]
    assert "203.0.113" not in repr(shown)
    # Another place for one of them is another statement: it stands in the ledger.
    rows[1]["place"] = "203.0.113.10"
    rows = [{**row, "at": AT + timedelta(days=1)} for row in rows]
    until = datetime(2027, 9, 1, tzinfo=UTC)
    await brought(platform, order(rows=rows, until=until))
    assert len({entry.statement for entry in await entries(platform)}) == 2


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"declared": ["pre_ticked"]}, "consent_not_free", "declared"),
        ({"declared": ["incentive", "forced"]}, "consent_not_free", "declared"),
        ({"purposes": ["notification"]}, "programme_purpose", "purposes"),
        ({"purposes": ["marketing", "notification"]}, "programme_purpose", "purposes"),
        ({"wording_text": " "}, "missing", "wording_text"),
        ({"evidence": EVIDENCE}, "no_evidence", "evidence"),
    ],
)
async def test_what_is_no_consent_is_refused_as_a_whole(
    platform: Platform, more: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(AssentError) as caught:
        await brought(platform, order(number("mobile", 1), **more))
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.mend
    assert await entries(platform) == []
    assert await platform.value("SELECT count(*) FROM consent_import") == 0


async def test_a_rulebook_may_refuse_more(platform: Platform) -> None:
    platform.node.consents._facts._refused = frozenset({"incentive"})
    await brought(platform, order(number("mobile", 1), declared=["pre_ticked"]))
    with pytest.raises(AssentError) as caught:
        await brought(platform, order(number("mobile", 2), declared=["incentive"]))
    assert caught.value.code == "consent_not_free"
