"""What reads like something else comes out as it reads; what is innocent comes out as it was."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assent.screen.disguise import disguises
from assent.screen.fold import tables
from assent.screen.normal import CODES, normalise, normalise_all

READS = [
    ("ＡＢｃ１２３，你好！", "abc123,你好!"),
    ("貸款額度", "贷款额度"),
    ("Crédito fácil", "credito facil"),
    ("贷 款，今天就办", "贷款,今天就办"),
    ("您好 客户 贷 款 办*理", "您好客户贷款办理"),
    ("d贷k款", "d贷款"),
    ("低息贷k款，加V信：abc12345", "低息贷款,加微信:abc12345"),
    ("办理 dai kuan，请 jia v", "办理 贷款,请 加微信"),
    ("代贝款，贝者博", "贷款,赌博"),
    ("亻尔好 讠正券", "你好 证券"),
    ("薇❤信 徽信 溦信 V信", "微信 微信 微信 微信"),
    ("加威信xyz123", "加微信xyz123"),
    ("扣扣：12345678 企鹅 88888888", "qq:12345678 qq 88888888"),
    ("电话一三八零零一三八零零零", "电话13800138000"),
    ("QQ ①②③④⑤⑥", "qq 123456"),
    ("1️⃣3️⃣8️⃣", "138"),
    ("ｗｗｗ。ｂａｉｄｕ。ｃｏｍ", "www.baidu.com"),
    ("baidu点c0m", "baidu.com"),
    ("h t t p : / / abc . com", "http://abc.com"),
    ("example dot com, hxxp://x.cn", "example.com, http://x.cn"),
    ("fr33 c4sino l.o.a.n", "free casino loan"),
    ("d e p o s i t, V.I.A.G.R.A", "deposit, viagra"),
    ("f r e e c a s h", "free cash"),
    ("Сlaim yоur рrize", "claim your prize"),
    ("𝐋𝐎𝐀𝐍 Ⓛⓞⓐⓝ 🅛🅞🅐🅝", "loan loan loan"),
    ("zh\u200bong奖 贷\u200b款", "中奖 贷款"),
    ("l̷̛̘o̴͉an", "loan"),
    ("你 的 经^济紧 张吗？当 天 可 办", "你的经济紧张吗?当天可办"),
]

INNOCENT = [
    "【某银行】您尾号1234的储蓄卡11月22日10:00转入工资8,000.00元，余额12,345.67元。",
    "您的验证码是 482913，5分钟内有效，请勿告诉他人。",
    "航班CA1234于11月22日08:30由北京T3起飞，请提前120分钟到达机场。",
    "①登录 ②点击 ③完成",
    "女子篮球赛在门口集合，威信很高的老师带队，现代款汽车展",
    "今天的温度是25℃，面积120㎡，3G/4G用户回T退订",
    "Your parcel will arrive on Monday between 10 a.m. and 2 p.m. at U2's flat.",
    "Привет, как дела",
    "こんにちは、私は日本語を話します",
    "see u b4 9pm, 2 of us r waiting",
    "投资满10w赠送，5k起，3d眼镜",
]


@pytest.mark.parametrize(("text", "reads"), READS)
def test_what_is_disguised_reads_as_it_is_meant(text: str, reads: str) -> None:
    assert normalise(text).text == reads


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_innocent_is_folded_only(text: str) -> None:
    normal = normalise(text)
    assert normal.evasions == ()
    table = tables()
    folded = "".join(table.wide.get(char) or chr(table.fold[ord(char)]) for char in text)
    assert normal.text == folded


def test_evasions_say_which_and_where() -> None:
    text = "办理贷*款，加V信"
    found = normalise(text).evasions
    assert {(e.code, text[slice(*e.span)]) for e in found} == {
        ("broken_words", "贷*款"), ("spelled_words", "加V信"),
    }  # fmt: skip
    assert {e.code for e in found} <= set(CODES)


def test_spans_lead_back_to_the_original() -> None:
    text = "【某】请 l.o.a.n 或代贝*款！"
    normal = normalise(text)
    for word, original in (("loan", "l.o.a.n"), ("贷款", "代贝*款")):
        start = normal.text.index(word)
        assert text[slice(*normal.span(start, start + len(word)))] == original


known = disguises()
tricky = st.lists(
    st.one_of(
        st.sampled_from([form for forms in known.words.values() for form, _ in forms]),
        st.sampled_from([form for forms in known.said.values() for form, _ in forms][::7]),
        st.sampled_from([form for forms in known.asked.values() for form, _ in forms]),
        st.sampled_from([*known.pieces, *known.pairs]),
        st.text("微加v信扣0123456789一二三.。点comwhtp:/ *\u200b\u0301аеⒶ①【】,\n", max_size=8),
        st.text(max_size=4),
    ),
    max_size=10,
).map("".join)


@given(tricky)
@example("加微加微加微v:12345")
@example("l o a n l.o.a.n")
@example("加q1127808414")
@example("加扣扣扣扣14758943")
@example("\x00a\ud800b")
def test_what_comes_out_comes_out_again_and_offsets_are_places(text: str) -> None:
    normal = normalise(text)
    again = normalise(normal.text)
    assert again.text == normal.text
    assert len(normal.at) == len(normal.ends) == len(normal.text)
    assert all(0 <= a < b <= len(text) for a, b in zip(normal.at, normal.ends, strict=True))
    assert list(normal.at) == sorted(normal.at)
    assert list(normal.ends) == sorted(normal.ends)
    for code, (start, end) in normal.evasions:
        assert code in CODES
        assert 0 <= start < end <= len(text)


@given(st.lists(tricky, max_size=5))
def test_a_list_is_normalised_as_each_of_its_texts(texts: list[str]) -> None:
    for one, together in zip(map(normalise, texts), normalise_all(texts), strict=True):
        assert (one.text, one.evasions) == (together.text, together.evasions)
        assert list(one.at) == list(together.at)
