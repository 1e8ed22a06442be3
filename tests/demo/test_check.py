"""The judgement over small records made by hand: each broken promise is found and named."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from assent.demo import cast
from assent.demo.check import judge, percentile, refuses
from assent.demo.records import Pdu, Port, Records, Submitted
from assent.demo.traffic import messages_of, person_of, replies_of
from assent.text.keyword_sets import KeywordSets
from assent.text.keywords import Kind

MALL, MARKET, BOOKS = cast.MALL, cast.MARKET, cast.BOOKS
ANN, BEN, CAT = "13800000001", "13000000002", "18900000003"
TEN = 1_795_312_800_000_000_000  # ten in the morning in China
SECOND = 1_000_000_000
TEXT = "【海棠商城】您好，满200减60。客服4008801234 拒收请回复R"
SIBLING = "【海棠生活】您好，鲜果八折。客服4008805678 拒收请回复R"
CONFIRMED = "【退订回执】您已退订杭州海棠商城有限公司的营销短信。回执码ABCDEFGH"


class Carrier:
    """Writes a carrier's record; times are in seconds after ten o'clock."""

    def __init__(self) -> None:
        self.pdus: list[Pdu] = []
        self._sequence = count(1)

    def submit(self, at: float, port: str, person: str, text: str, **more: Any) -> str:
        """A message comes in, is answered and reported delivered; `more`: status, stat, segment."""
        sequence = next(self._sequence)
        t = TEN + int(at * SECOND)
        identity = str(1000 + sequence)
        self._add(t, "in", "SUBMIT", sequence, port, person, text, more.get("segment"), None, None)
        status = more.get("status", 0)
        if status is not None:
            self._add(
                t + 1, "out", "SUBMIT_RESP", sequence, None, None, None, None, identity, status
            )
        if status == 0 and more.get("stat", "DELIVRD"):
            stat = more.get("stat", "DELIVRD")
            self._add(t + 2, "out", "DELIVER", sequence, person, port, None, None, identity, stat)
        return identity

    def reply(self, at: float, person: str, port: str, text: str, segment: Any = None) -> None:
        """A person writes."""
        sequence = next(self._sequence)
        t = TEN + int(at * SECOND)
        self._add(
            t, "out", "DELIVER", sequence, person, port, text, segment, str(9000 + sequence), None
        )

    def _add(self, t: int, direction: str, command: str, sequence: int, *rest: Any) -> None:
        self.pdus.append(Pdu(t, "mobile", direction, 1, command, sequence, *rest))


def a_run() -> tuple[Records, Carrier]:
    """Ann gets a campaign, refuses and is confirmed; Ben stays; a code and a notice arrive."""
    carrier = Carrier()
    marketing, code, notice = (
        MALL.ports[purpose] for purpose in ("marketing", "verification", "notification")
    )
    carrier.submit(1, marketing, ANN, TEXT)
    carrier.submit(1, marketing, BEN, TEXT)
    carrier.submit(1.02, code, CAT, "【海棠商城】您的验证码是123456，5分钟内有效。")
    carrier.reply(2, ANN, marketing, "ＴＤ")
    carrier.reply(2, BEN, marketing, "好的")
    carrier.submit(2.1, cast.SERVICE_PORT, f"86{ANN}", CONFIRMED)
    carrier.submit(4, MARKET.ports["marketing"], BEN, SIBLING)
    carrier.submit(4, BOOKS.ports["marketing"], ANN, "【云帆书店】新书。4006602468 拒收请回复R")
    carrier.submit(5, notice, ANN, "【海棠商城】您的订单已发货。")
    records = Records(
        pdus=carrier.pdus,
        ports={row[0]: Port(*row) for row in cast.ports()},
        consents=[
            (TEN, MALL.code, f"+86 {ANN}"), (TEN, MALL.code, BEN), (TEN, MARKET.code, ANN),
            (TEN, MARKET.code, BEN), (TEN, BOOKS.code, ANN),
        ],
        submitted=[
            Submitted(TEN, "first", ANN, MALL.code, "marketing"),
            Submitted(TEN, "first", BEN, MALL.code, "marketing"),
            Submitted(TEN + SECOND, "codes", CAT, MALL.code, "verification"),
            Submitted(TEN + 3 * SECOND, "second", ANN, MARKET.code, "marketing"),
            Submitted(TEN + 3 * SECOND, "second", BEN, MARKET.code, "marketing"),
            Submitted(TEN + 3 * SECOND, "readers", ANN, BOOKS.code, "marketing"),
            Submitted(TEN + 4 * SECOND, "notices", ANN, MALL.code, "notification"),
        ],
    )  # fmt: skip
    return records, carrier


def broken(records: Records) -> set[str]:
    """Return which promises a judgement finds broken."""
    records.pdus.sort(key=lambda pdu: pdu.t)
    return {line.partition(":")[0] for line in judge(records).differences}


def test_a_clean_run_is_clean() -> None:
    judgement = judge(a_run()[0])
    assert judgement.differences == []
    figures = judgement.figures
    assert figures["submitted"] == 6
    assert figures["delivered"] == 6
    assert (figures["replies"], figures["refusals"], figures["refusals_confirmed"]) == (2, 1, 1)
    assert figures["sent_after_confirmation"] == figures["sent_without_standing"] == 0
    assert figures["code_latency_ms_p50"] == figures["code_latency_ms_p99"] == 20.0
    assert judgement.confirmed == {(ANN, MALL.group): TEN + int(2.1 * SECOND)}


def test_marketing_after_the_confirmation_is_found_in_the_whole_group() -> None:
    records, carrier = a_run()
    carrier.submit(4, MARKET.ports["marketing"], ANN, SIBLING)
    assert broken(records) == {"silence after the confirmation"}
    assert judge(records).figures["sent_after_confirmation"] == 1


def test_marketing_before_the_confirmation_is_none() -> None:
    records, carrier = a_run()
    records.submitted.insert(0, Submitted(TEN, "second", ANN, MARKET.code, "marketing"))
    carrier.submit(2.05, MARKET.ports["marketing"], ANN, SIBLING)
    assert broken(records) == set()


def test_marketing_without_consent_is_found() -> None:
    records, carrier = a_run()
    carrier.submit(3.5, MALL.ports["marketing"], CAT, TEXT)
    records.submitted.append(Submitted(TEN, "first", CAT, MALL.code, "marketing"))
    assert broken(records) == {"standing"}
    assert judge(records).figures["sent_without_standing"] == 1


def test_consent_that_came_later_is_none() -> None:
    records, _ = a_run()
    records.consents[1] = (TEN + 100 * SECOND, MALL.code, BEN)
    assert broken(records) == {"standing"}


def test_marketing_after_a_refusal_at_a_counter_is_found() -> None:
    records, carrier = a_run()
    records.refusals.append((TEN, MALL.group, BEN))
    carrier.submit(0.5, cast.SERVICE_PORT, BEN, CONFIRMED)
    assert broken(records) == {"standing", "silence after the confirmation"}


@pytest.mark.parametrize("times", [0, 2])
def test_a_refusal_is_confirmed_exactly_once(times: int) -> None:
    records, carrier = a_run()
    carrier.reply(3, BEN, MALL.ports["marketing"], "退订谢谢")
    for number in range(times):
        carrier.submit(6 + number, cast.SERVICE_PORT, BEN, CONFIRMED)
    assert "confirmed exactly once" in broken(records)
    assert judge(records).figures["refusals"] == 2


def test_a_confirmation_without_a_refusal_is_found() -> None:
    records, carrier = a_run()
    carrier.submit(6, cast.SERVICE_PORT, CAT, CONFIRMED)
    assert broken(records) == {"confirmed exactly once"}


def test_a_refusal_in_several_segments_is_read_whole() -> None:
    records, carrier = a_run()
    carrier.reply(7, BEN, MALL.ports["marketing"], "订，谢谢", (5, 2, 2))
    carrier.reply(7.1, BEN, MALL.ports["marketing"], "请帮我退", (5, 1, 2))
    assert broken(records) == {"confirmed exactly once"}
    carrier.submit(7.5, cast.SERVICE_PORT, BEN, CONFIRMED)
    assert broken(records) == set()


def test_the_same_text_twice_and_the_cap_are_found() -> None:
    records, carrier = a_run()
    carrier.submit(3, MALL.ports["marketing"], BEN, TEXT)
    assert broken(records) == {"never twice", "cap"}


def test_what_the_carrier_refused_was_not_sent() -> None:
    records, carrier = a_run()
    carrier.submit(0.9, MALL.ports["marketing"], BEN, TEXT, status=8)
    assert broken(records) == set()


@pytest.mark.parametrize("purpose", ["verification", "notification"])
def test_a_code_or_notice_that_does_not_arrive_is_found(purpose: str) -> None:
    records, _ = a_run()
    port = MALL.ports[purpose]
    records.pdus[:] = [p for p in records.pdus if port not in (p.source, p.destination)]
    assert broken(records) == {f"every {purpose} arrives"}


def test_wrong_signature_hour_port_and_an_unordered_message_are_found() -> None:
    records, carrier = a_run()
    carrier.submit(12 * 3600, BOOKS.ports["marketing"], BEN, "新书")
    carrier.submit(6, "10699999", BEN, "【假冒】中奖")
    assert broken(records) == {
        "signature", "quiet hours", "standing", "only what was ordered", "unknown port",
    }  # fmt: skip


def test_a_message_without_an_answer_is_found() -> None:
    records, carrier = a_run()
    carrier.submit(6, MALL.ports["notification"], ANN, "【海棠商城】您的订单已发货。", status=None)
    records.submitted.append(Submitted(TEN, "notices", ANN, MALL.code, "notification"))
    assert broken(records) == {"unanswered", "every notification arrives"}


def test_segments_make_one_message_whatever_their_order() -> None:
    carrier = Carrier()
    port = BOOKS.ports["marketing"]
    for at, number in ((1.0, 2), (1.1, 1), (2.0, 1), (2.1, 2)):
        carrier.submit(at, port, ANN, f"[{number}]", segment=(7, number, 2))
    first, second = messages_of(carrier.pdus)
    assert first.text == second.text == "[1][2]"
    assert first.delivered
    assert second.first == TEN + 2 * SECOND


def test_early_and_repeated_receipts_count_once() -> None:
    carrier = Carrier()
    carrier.submit(1, MALL.ports["marketing"], ANN, TEXT)
    submit, answer, report = carrier.pdus
    early = replace_time(report, submit.t)
    (message,) = messages_of([submit, early, answer, report])
    assert message.delivered


def test_a_redelivered_reply_counts_once() -> None:
    carrier = Carrier()
    carrier.reply(1, ANN, MALL.ports["marketing"] + "01", "TD")
    ports = [Port(*row) for row in cast.ports()]
    (reply,) = replies_of(carrier.pdus * 2, ports)
    assert reply.port == MALL.ports["marketing"]


def replace_time(pdu: Pdu, t: int) -> Pdu:
    import msgspec

    return msgspec.structs.replace(pdu, t=t)


@pytest.mark.parametrize("text", cast.REFUSALS)
def test_the_word_list_and_the_platform_read_refusals_alike(text: str) -> None:
    assert refuses(text)
    assert KeywordSets.load()["CN"].read(text).kind is Kind.REFUSE


@pytest.mark.parametrize("text", cast.OTHERS)
def test_the_word_list_and_the_platform_read_others_alike(text: str) -> None:
    assert not refuses(text)
    assert KeywordSets.load()["CN"].read(text).kind is Kind.NONE


@pytest.mark.parametrize(
    "number",
    [
        ANN,
        f"86{ANN}",
        f"+86 {ANN[:3]} {ANN[3:7]} {ANN[7:]}",
        f"0086{ANN}",
        "１３８０００００００１",
    ],
)
def test_numbers_are_one_person_however_written(number: str) -> None:
    assert person_of(number) == ANN


def test_percentiles() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([3.0], 0.99) == 3.0
    assert percentile([], 0.5) is None


def test_submitted_rows_may_be_replaced() -> None:
    records, _ = a_run()
    records.submitted[0] = replace(records.submitted[0], sender=BOOKS.code)
    assert broken(records) == {"only what was ordered"}
