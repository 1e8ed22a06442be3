"""Replies as people write them, and what they mean."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.text.keyword_sets import KeywordSets
from assent.text.keywords import KeywordSet, Kind, is_machine

WORDS = KeywordSets.load()["CN"]

REFUSALS = """
T|t|TD|td|Td|tD|N|n|R|r|Q|q|QX|qx|BK|bk|TDDX|tddx|TDHY|退订|退定|退|取消|取消订阅|拒收
不要|不收|不需要|别发|别再发|停止|勿扰|屏蔽|STOP|stop|Stop|UNSUBSCRIBE|unsubscribe
CANCEL|cancel|QUIT|quit|END|end|REVOKE|revoke|OPTOUT|optout|opt-out|OPT-OUT|Opt out
opt out|ARRET|arrêt|REMOVE|T D|t d|T.D.|T-D|t，d|TD.|td。|td!|TD！|(TD)|【TD】|"TD"|“TD”
'T'|*T*|T~|td...|。。TD。。|TD,|ＴＤ|ｔｄ|Ｔ|ＳＴＯＰ|ｓｔｏｐ|Ｔ　Ｄ|TD　|　TD| TD |TD\\n
\\tTD|T\u200bD|\u200bTD\u200b|\ufeffTD|TD\ufe0f|TTDD|ttdd|TDD|tdddd|TTTT|nnn|STOPPP
SSTOP|stoppp!!!|退退退|退订订|退退订|拒收收|不要不要|退订退订|退訂|取消訂閱|別發|別再發
勿擾|拒收！|退 订|退-订|退，订|退　订|「退订」|《退订》|退订。|退订!|退订?|退订~|TD谢谢
td 谢谢|谢谢TD|谢谢，退订|退订谢谢|退订，谢谢！|请退订|请帮我退订|麻烦退订
麻烦退订一下谢谢|我要退订|我要退订短信|退订吧|退订了|退订啊|拒收，谢谢|不要了|我不要了
不需要了|不需要，谢谢|取消吧|请取消|回复TD|回复退订|回TD|您好，退订|请停止|别发了
不要再发了|别再发了！|请不要再给我发短信|不要给我发了|别给我发短信|不想收到你们的短信
请勿打扰|请不要打扰|停止发送|Stop. Thank you|stop please|Please stop|STOP!|stop, thanks
Stop now|pls stop|STOP STOP STOP|stop.|s t o p|S.T.O.P|please unsubscribe|Unsubscribe me
unsubscribe me from this list|Stop texting me|please stop sending me these
remove me from your list|take me off this list|do not text me again|leave me alone
no more messages please|🛑STOP🛑|TD😡|😡TD|退订🙏|🙏请退订|T👎|T̶D̶|SТОР|ТD|退丁|tuiding
T退订|TD退订|退订TD|TD 再发我就报警|拒绝|不感兴趣|我已经退订过好多次了
怎么还不给我退掉，我要拒收|退订你们家的广告|不同意|TDX|TDDX 12345
hello TDDX thanks for nothing mate
"""
REFUSE_ALL = """
STOPALL|stop all|STOP-ALL|Stop All!|全部退订|退订全部|全部退订，谢谢|请全部退订
全 部 退 订|退订所有|全部拒收|全部取消|我要全部退订|所有短信都不要|UNSUBSCRIBE ALL
全部退訂|ＳＴＯＰＡＬＬ|opt out all|你们把我全部退订了吧好吗
"""
COMPLAINTS = """
投诉|举报|骚扰|我要投诉|投诉你们|再发投诉|再发就举报|举报到12321|这是骚扰短信|不要骚扰我
再不退订就投诉|投 诉|舉報|騷擾|投訴|退订，否则投诉|This is harassment HARASS
工信部投诉见|12321举报
"""
STARTS = "START|start|Start!|UNSTOP|SUBSCRIBE|DY|dy|订阅|訂閱|我要订阅|请恢复订阅|yes|ＤＹ"
HELPS = "HELP|help|Help!|INFO|info|帮助|幫助|？帮助|bz"
UNCLEAR = """
I called you three times to STOP this bill|can you cancel my appointment tomorrow
when does the offer end, monday|取消我的预约|不要告诉我爸|NO|no|不|否|不用了，谢谢|算了
不退订|不要退订|别退订我|我不想退订|取消退订|误退订了|don't stop|please do not stop|T1
T 1|退 1|START STOP|订阅 退订啊不|滚|滚蛋|你们是骗子吧|再发我报警|fuck you
this is a scam|烦死了|T 还是 N|what is this spam|不投诉|你们停止这种行为
我什么时候能取消
"""
NONES = """
|1|2|0|12|1234|１２|1 2|1.|2。|#1|0000|办理|查询|好的|OK|ok|收到|谢谢|您好|?|？|...|!!!
。|😀|🛑|👍|QQ|qq 12345|A|B|X1|你好|你是谁|哪位|多少钱|几点开门|明天见|see you tomorrow
thanks|thank you|call me|取消订单|退货|退款|我要退货|打扰了|TNT|ABC|生日快乐|地址在哪里
R u there my friend today|Plan N is what we want here|stopwatch|ending|weekend sale
我在国外|12321|95588
"""


def spellings(block: str) -> list[str]:
    lines = block.strip("\n").split("\n")
    found = [each for line in lines for each in line.split("|")]
    return [each.replace("\\n", "\n").replace("\\t", "\t") for each in found]


TABLE = [
    *((text, Kind.REFUSE) for text in spellings(REFUSALS)),
    *((text, Kind.REFUSE_ALL) for text in spellings(REFUSE_ALL)),
    *((text, Kind.REFUSE) for text in spellings(COMPLAINTS)),
    *((text, Kind.START) for text in spellings(STARTS)),
    *((text, Kind.HELP) for text in spellings(HELPS)),
    *((text, Kind.UNCLEAR) for text in spellings(UNCLEAR)),
    *((text, Kind.NONE) for text in spellings(NONES)),
]


@pytest.mark.parametrize(("text", "kind"), TABLE)
def test_a_spelling_is_read_as_meant(text: str, kind: Kind) -> None:
    assert WORDS.read(text).kind is kind


def test_the_table_is_not_small() -> None:
    assert len({text for text, _ in TABLE}) >= 300


@pytest.mark.parametrize("text", spellings(COMPLAINTS))
def test_a_complaint_is_flagged_as_well(text: str) -> None:
    assert WORDS.read(text).complaint


@pytest.mark.parametrize("text", ["TD", "退订", "STOP", "不投诉", "1", "START"])
def test_nothing_else_is_a_complaint(text: str) -> None:
    assert not WORDS.read(text).complaint


def test_the_deciding_word_is_named() -> None:
    assert WORDS.read("ｔｄ 谢谢").word == "TD"
    assert WORDS.read("退訂").word == "退订"
    assert WORDS.read("1").word == ""


@pytest.mark.parametrize("name", ["refuse", "refuse_all", "start", "help", "unclear"])
def test_every_listed_word_is_read_as_its_list_says(name: str) -> None:
    for word in WORDS.lists[name]:
        assert WORDS.read(word) == WORDS.read(word.lower())
        assert WORDS.read(word).kind is Kind[name.upper()]


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    assert WORDS.read(text).kind in Kind


@given(st.text(alphabet="0123456789０１２３４５６７８９ .,。#*-", max_size=20))
def test_digits_are_never_a_refusal(text: str) -> None:
    assert WORDS.read(text).kind is Kind.NONE


DECORATION = st.text(
    alphabet=" \t\n　.,;:!?。，！？…~～-_/\\|()（）[]【】《》"
    "\"'“”*#@+=\u200b\u200c\u200d\ufeff😡🛑🙏❤️",
    max_size=4,
)


def full_width(word: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)


@st.composite
def decorated(draw: st.DrawFn) -> tuple[str, Kind]:
    name = draw(st.sampled_from(["refuse", "refuse_all"]))
    word = draw(st.sampled_from(WORDS.lists[name]))
    letters = [draw(st.sampled_from([char, char.lower(), full_width(char)])) for char in word]
    gaps = [draw(DECORATION) for _ in range(len(letters) + 1)]
    text = "".join(gap + letter for gap, letter in zip(gaps, [*letters, ""], strict=True))
    return text, Kind[name.upper()]


@given(decorated())
def test_decoration_does_not_undo_a_refusal(case: tuple[str, Kind]) -> None:
    text, kind = case
    assert WORDS.read(text).kind is kind


@given(st.sampled_from(WORDS.lists["refuse"]), st.integers(1, 4))
def test_repeated_letters_do_not_undo_a_refusal(word: str, times: int) -> None:
    text = "".join(char * times for char in word)
    assert text in WORDS.lists["not_squeezed"] or WORDS.read(text).kind is Kind.REFUSE


@given(
    st.sampled_from(WORDS.lists["containing"]),
    st.text(alphabet="天地玄黄宇宙洪荒日月盈昃", max_size=20),
    st.text(alphabet="天地玄黄宇宙洪荒日月盈昃", max_size=20),
)
def test_words_that_need_no_exactness(word: str, before: str, after: str) -> None:
    assert WORDS.read(before + word + after).kind is Kind.REFUSE


def test_a_very_long_reply_is_read_in_bounded_time() -> None:
    assert WORDS.read("退" * 100_000).kind is Kind.REFUSE
    assert WORDS.read("不要紧" * 100_000).kind in Kind


def test_folding_is_idempotent() -> None:
    for text, _ in TABLE:
        folded = WORDS.fold(text)
        assert WORDS.fold(folded) == folded
        assert not any(unicodedata.category(char) in ("Cf", "Mn") for char in folded)


def test_another_list_is_another_digest() -> None:
    document = {name: list(words) for name, words in WORDS.lists.items()}
    other = KeywordSet.from_document({"version": "x", "same_letters": {}, **document})
    assert other.digest != WORDS.digest
    assert len(other.digest) == 32


@pytest.mark.parametrize(
    "source",
    ["10690000123", "106575551234", "8610690000123", "+86106575551234", "95588", "955880001",
     "8695588", "96110", "10086", "10010", "100001", "12321", "12345", "4008208820", "36180",
     "HSBC", "", "tel", 10690000123, 8610690000123, 12321],
)  # fmt: skip
def test_machines(source: str | int) -> None:
    assert is_machine(source)


@pytest.mark.parametrize(
    "source",
    ["13800138000", "8613800138000", "+8613800138000", "19912345678", 8613800138000,
     "447700900123", 14155550123, "+959123456789", "+12025550123"],
)  # fmt: skip
def test_persons(source: str | int) -> None:
    assert not is_machine(source)
