"""Money that comes in: each line once, to whom it belongs, and only from who may pay."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import AssentError
from assent.flow import notices
from assent.flow.bank_lines import BankFile, read_camt053
from assent.flow.payments import codes_in, reference_code, same_name
from tests.flow.conftest import Platform
from tests.flow.treasury import Treasury

COMPANY = "北京商户一有限公司"
YUAN = 1_000_000


def entry(
    id_: str, amount: str, text: str, payer: str = COMPANY, *, kind: str = "CRDT",
    back: bool = False, currency: str = "CNY", status: str = "<Cd>BOOK</Cd>", end_id: str = "",
) -> str:  # fmt: skip
    returned = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if back else ""
    name = f"<AcctSvcrRef>{id_}</AcctSvcrRef>" if id_ else ""
    end = f"<EndToEndId>{end_id}</EndToEndId>" if end_id else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{kind}</CdtDbtInd>'
        f"<Sts>{status}</Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>"
        f"<NtryDtls><TxDtls><Refs>{name}{end}</Refs><RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty>"
        "</Dbtr><DbtrAcct><Id><Othr><Id>6222000011112222</Id></Othr></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>{returned}</TxDtls></NtryDtls></Ntry>"
    )


def camt(*entries: str, account: str = "CN001") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>'
        f"<Id>1</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{''.join(entries)}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


@pytest.fixture
async def treasury(platform: Platform) -> Treasury:
    one = Treasury(platform)
    await one.entity(1, COMPANY)
    return one


async def intent(treasury: Treasury, yuan: int, place: int = 1) -> str:
    told = await treasury.desk.payments.intend(treasury.customer(place), yuan * YUAN)
    return str(told["reference"])


async def states(treasury: Treasury, place: int = 1) -> list[tuple[str, int]]:
    told = await treasury.desk.payments.intents(treasury.customer(place))
    return [(one["state"], one["received_micro"] // YUAN) for one in told["intents"]]


async def take(treasury: Treasury, *entries: str) -> dict[str, Any]:
    return dict(await treasury.desk.import_file(treasury.staff[0], "bank", camt(*entries)))


async def test_paid_in_parts_in_full_and_too_much(treasury: Treasury) -> None:
    before = await treasury.available()
    first, second, third = [await intent(treasury, 100) for _ in range(3)]
    told = await take(
        treasury,
        entry("a", "100.00", f"货款 {first}"),
        entry("b", "40.50", f"预付 {second[:6]} {second[6:].lower()}"),
        entry("c", "60", third),
        entry("d", "70", f"{third}补"),
    )
    assert told["counts"] == {"credited": 4}
    assert await states(treasury) == [("overpaid", 130), ("partial", 40), ("paid", 100)]
    assert await treasury.available() == before + 270_500_000
    told = await take(treasury, entry("e", "59.50", second))
    assert await states(treasury) == [("overpaid", 130), ("paid", 100), ("paid", 100)]
    await treasury.proved()


async def test_a_file_twice_and_files_that_overlap_count_once(treasury: Treasury) -> None:
    code = await intent(treasury, 100)
    before = await treasury.available()
    one = (entry("a", "10", code), entry("", "5", code), entry("", "5", code))
    assert (await take(treasury, *one))["counts"] == {"credited": 3}
    assert (await take(treasury, *one))["counts"] == {"duplicate": 3}
    more = await take(treasury, *one, entry("b", "7", code))
    assert more["counts"] == {"duplicate": 3, "credited": 1}
    assert await treasury.available() == before + 27 * YUAN
    with pytest.raises(AssentError) as changed:
        await take(treasury, entry("c", "1", code), entry("a", "11", code))
    assert changed.value.code == "payment_line_changed"
    assert await treasury.available() == before + 27 * YUAN, "nothing of that file"
    answers = await asyncio.gather(*(take(treasury, entry("z", "9", code)) for _ in range(5)))
    assert sum(a["counts"].get("credited", 0) for a in answers) == 1
    await treasury.proved()


async def test_a_third_partys_payment_waits_for_two_persons(treasury: Treasury) -> None:
    code = await intent(treasury, 100)
    before = await treasury.available()
    told = await take(treasury, entry("a", "100", code, payer="张三"), entry("b", "1", "no code"))
    assert [line["why"] for line in told["lines"]] == ["third_party", "no_intent"]
    assert await treasury.available() == before
    held = (await treasury.desk.payments.held())["lines"]
    assert [(h["payer"], h["why"]) for h in held] == [
        ("张三", "third_party"),
        (COMPANY, "no_intent"),
    ]
    stored = await treasury.platform.sql("SELECT payer_sealed FROM payment_line")
    assert all("张三".encode() not in row["payer_sealed"] for row in stored), "sealed"
    wish, line = treasury.desk.payments.wish, int(held[0]["id"])
    assert not (await wish(treasury.staff[0], line, "release", None))["done"]
    with pytest.raises(AssentError) as again:
        await wish(treasury.staff[0], line, "release", None)
    assert again.value.code == "second_person"
    assert not (await wish(treasury.staff[1], line, "return", None))["done"], "they disagree"
    assert await treasury.available() == before
    assert (await wish(treasury.staff[2], line, "release", None))["done"]
    assert await treasury.available() == before + 100 * YUAN
    assert await states(treasury) == [("paid", 100)]
    with pytest.raises(AssentError) as done:
        await wish(treasury.staff[1], line, "release", None)
    assert done.value.code == "not_held"
    other = int(held[1]["id"])
    with pytest.raises(AssentError) as nowhere:
        await wish(treasury.staff[0], other, "release", None)
    assert nowhere.value.code == "cannot_release"
    await wish(treasury.staff[0], other, "release", "account2")
    assert not (await wish(treasury.staff[1], other, "release", "account1"))["done"]
    await wish(treasury.staff[0], other, "return", None)
    assert (await wish(treasury.staff[1], other, "return", None))["done"]
    await treasury.proved()


async def test_what_the_bank_takes_back_is_taken_back(treasury: Treasury) -> None:
    code, later = await intent(treasury, 100), await intent(treasury, 50)
    before = await treasury.available()
    await take(treasury, entry("a", "100", code, end_id="E1"), entry("b", "50", later))
    told = await take(
        treasury, entry("r", "100", "退汇 账号不符", kind="DBIT", back=True, end_id="a")
    )
    assert told["counts"] == {"returned": 1}
    assert await treasury.available() == before + 50 * YUAN
    assert await states(treasury) == [("paid", 50), ("open", 0)]
    told = await take(treasury, entry("r2", "50", f"退汇 {later}", kind="DBIT", back=True))
    assert told["counts"] == {"returned": 1}
    told = await take(treasury, entry("r3", "50", f"退汇 {later}", kind="DBIT", back=True))
    assert told["lines"][0]["why"] == "no_original", "nothing comes back twice"
    told = await take(treasury, entry("p", "9", "rent", kind="DBIT"))
    assert told["skipped"] == {"paid_by_us": 1}
    assert await treasury.available() == before
    await treasury.proved()


async def test_a_return_takes_what_is_there_and_the_rest_later(treasury: Treasury) -> None:
    code = await intent(treasury, 100)
    await take(treasury, entry("a", "100", code))
    everything = await treasury.available()
    await treasury.platform.sql("UPDATE balance SET alert_below = NULL WHERE account_id = 1")
    await treasury.terms("account2", parent="account1")
    from assent.flow.money_requests import AllotRequest

    request = AllotRequest(
        account="account2", amount_micro=everything - 30 * YUAN, reference="away"
    )
    await treasury.desk.purses.allot(treasury.customer(), request)
    await take(treasury, entry("r", "100", f"退汇 {code}", kind="DBIT", back=True))
    assert await treasury.available() == 0
    assert await treasury.platform.value("SELECT sum(owed) FROM payment_line") == 70 * YUAN
    code = await intent(treasury, 90)
    await take(treasury, entry("b", "90", code))
    assert await treasury.available() == 20 * YUAN
    assert await treasury.platform.value("SELECT sum(owed) FROM payment_line") == 0
    await treasury.proved()


async def test_other_currencies_and_unbooked_lines_are_not_credited(treasury: Treasury) -> None:
    code = await intent(treasury, 10)
    told = await take(
        treasury, entry("a", "10", code, currency="USD"), entry("b", "10", code, status="PDNG")
    )
    assert (told["counts"], told["skipped"]) == ({"held": 1}, {"not_booked": 1})
    assert told["lines"][0]["why"] == "currency"
    with pytest.raises(AssentError) as other:
        await treasury.desk.import_file(treasury.staff[0], "bank", camt(account="CN002"))
    assert other.value.code == "bank_file"


@pytest.mark.parametrize(
    "hostile",
    [
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaa">]><Document>&a;</Document>',
        b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><Document/>',
        b'<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1/"> %x;]><Document/>',
        b"<Document>" + b"<a>" * 100 + b"</a>" * 100 + b"</Document>",
        b"<Document>",
        b"",
        b"<Document/>",
        camt(entry("a", "1e5", "x")),
        camt(entry("a", "-1", "x")),
        camt(entry("a", "0.00", "x")),
        camt(entry("a", "1.0000001", "x")),
    ],
)
def test_a_hostile_or_broken_statement_is_refused(hostile: bytes) -> None:
    with pytest.raises(AssentError) as refused:
        read_camt053(hostile)
    assert refused.value.code == "bank_file"


@given(st.binary(max_size=200))
def test_whatever_is_handed_in_is_read_or_refused(data: bytes) -> None:
    found = AssentError("bank_file", "")
    try:
        assert isinstance(read_camt053(data), BankFile)
    except AssentError as error:
        found = error
    assert found.code == "bank_file"


async def test_a_mapped_csv(treasury: Treasury) -> None:
    code = await intent(treasury, 1_234)
    before = await treasury.available()
    file = (
        "流水号,日期,收入,支出,对方户名,对方账号,摘要,余额\n"
        f'1,2026-11-20,"1,200.00",,{COMPANY},6222,{code},9\n'
        f"2,2026-11-20,34.00,,（北京）别家,6223,{code},9\n"
        ",2026-11-21,,50.00,房东,6224,房租,9\n"
        f"3,2026-11-22,,1200.00,{COMPANY},6222,退汇 {code},9\n"
    ).encode("utf-8-sig")
    told = await treasury.desk.import_file(treasury.staff[0], "csv", file)
    assert [line["result"] for line in told["lines"]] == ["credited", "held", "returned"]
    assert told["skipped"] == {"paid_by_us": 1}
    assert await treasury.available() == before
    for wrong in (b"a,b\n1,2\n", b"\xff\xfe", file.replace(b"2026-11-20", b"20.11.2026")):
        with pytest.raises(AssentError) as refused:
            await treasury.desk.import_file(treasury.staff[0], "csv", wrong)
        assert refused.value.code == "bank_file"
    await treasury.proved()


async def test_notices_are_signed_of_now_and_taken_once(treasury: Treasury, tmp_path: Any) -> None:
    secret = tmp_path / "port-secret"
    secret.write_bytes(b"0123456789abcdef\n")
    treasury.node.settings.payments[0].secret_file = str(secret)
    code = await intent(treasury, 10)
    line = {"id": "n1", "booked_on": "2026-11-20", "amount": "10.00", "currency": "CNY",
            "payer": COMPANY, "text": code}  # fmt: skip
    body = json.dumps({"lines": [line]}).encode()
    now = str(int(treasury.platform.clock.now()))
    before = await treasury.available()

    async def tell(
        time: str = now, nonce: str = "n" * 20, body: bytes = body, signed: bytes = body
    ) -> Any:
        mark = notices.signature(b"0123456789abcdef", time, nonce, signed)
        return await treasury.desk.notice("bank", time, nonce, mark, body)

    late = str(int(now) - notices.TOLERANCE_S - 2)
    for wrong in ({"time": late}, {"signed": b"{}"}, {"nonce": "short"}, {"time": "soon"}):
        with pytest.raises(AssentError) as refused:
            await tell(**wrong)
        assert (refused.value.code, refused.value.status) == ("bad_signature", 401)
    with pytest.raises(AssentError) as forged:
        await treasury.desk.notice("nowhere", now, "n" * 20, "v1=00", body)
    assert forged.value.code == "bad_signature"
    assert await treasury.available() == before
    assert (await tell())["counts"] == {"credited": 1}
    with pytest.raises(AssentError) as replayed:
        await tell()
    assert replayed.value.code == "notice_replayed"
    assert (await tell(nonce="m" * 20))["counts"] == {"duplicate": 1}
    assert await treasury.available() == before + 10 * YUAN
    await treasury.proved()


@given(st.binary(min_size=9, max_size=9), st.integers(2, 11), st.integers(1, 30))
def test_codes_are_found_and_misread_ones_are_not(octets: bytes, place: int, by: int) -> None:
    code = reference_code(lambda n: octets[:n])
    spaced = f"订单 {code[:4]}-{code[4:8].lower()} {code[8:]}。"
    assert codes_in(spaced) == [code]
    alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
    other = alphabet[(alphabet.index(code[place]) + by) % len(alphabet)]
    assert codes_in(code[:place] + other + code[place + 1 :]) == []


def test_names_of_companies() -> None:
    assert same_name("北京（商户）有限公司", "北京(商户) 有限公司")
    assert not same_name("北京商户有限公司", "北京商户一有限公司")
    assert not same_name("", "")
