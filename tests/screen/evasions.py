"""What senders of bait do to words so that machines do not read them, by seed.

`evade(text, technique, rng)` disguises a clean text in one way; a person still reads it. Made of
its own small tables, not of the platform's, as far as the two can differ.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

__all__ = ["TECHNIQUES", "evade"]

Technique = Callable[[str, random.Random], str]

TRADITIONAL: Final = dict(zip("贷额银行证发票赌乐转账还领点击开户娱验医药兑奖联系电话号务专业办网",
                              "貸額銀行證發票賭樂轉賬還領點擊開戶娛驗醫藥兌獎聯繫電話號務專業辦網",
                              strict=True))  # fmt: skip
CYRILLIC: Final = dict(zip("aeopcyxiACEOPTX", "аеорсухіАСЕОРТХ", strict=True))
PIECES: Final = {
    "你": "亻尔", "信": "亻言", "借": "亻昔", "证": "讠正", "投": "扌殳", "银": "钅艮",
    "钱": "钅戋", "利": "禾刂", "到": "至刂", "别": "另刂", "注": "氵主", "法": "氵去",
}  # fmt: skip
IN_WORDS: Final = {
    "贷款": "代贝款", "理财": "王里财", "赌博": "贝者博", "购买": "贝冓买", "股票": "月殳票",
    "彩票": "彩西示", "税务": "禾兑务", "期货": "其月货", "资金": "次贝金",
}  # fmt: skip
SOUNDS: Final = {
    "微信": ["薇信", "V信", "徽信", "溦信", "wei信", "v信"],
    "加微信": ["加V信", "加薇信", "jia v", "加vx"],
    "贷款": ["贷kuan", "dai款", "dai kuan", "岱款"], "发票": ["发piao", "fa票", "发漂"],
    "赌博": ["du博", "赌bo"], "借款": ["jie款", "jie kuan"], "额度": ["e度", "额du", "额渡"],
    "银行": ["yin行", "yin hang"], "QQ": ["扣扣", "蔻蔻", "叩叩"], "股票": ["gu票", "股piao"],
    "兼职": ["jian职", "jian zhi"], "代开": ["dai开", "代kai"], "投注": ["tou注", "tou zhu"],
    "领取": ["ling取", "ling qu"], "彩金": ["彩jin", "cai金"], "办证": ["ban证", "办zheng"],
}  # fmt: skip
LEET: Final = dict(zip("oieas", "01345", strict=True))
MATHS: Final = (0x1D400, 0x1D5A0, 0x1D670)  # bold, sans serif, typewriter capitals
CIRCLED: Final = "⓪①②③④⑤⑥⑦⑧⑨"
CHINESE: Final = "零一二三四五六七八九"


def _is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


def full_width(text: str, rng: random.Random) -> str:
    """Ｌｏａｎ."""
    return "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and rng.random() < 0.9 else c for c in text
    )


def upper(text: str, rng: random.Random) -> str:
    """lOaN."""
    return "".join(c.upper() if rng.random() < 0.5 else c for c in text)


def traditional(text: str, rng: random.Random) -> str:
    """貸款."""
    return "".join(TRADITIONAL.get(c, c) for c in text)


def lookalikes(text: str, rng: random.Random) -> str:
    """lоan with a Cyrillic о: some letters of some words."""
    return "".join(CYRILLIC.get(c, c) if rng.random() < 0.5 else c for c in text)


def mathematical(text: str, rng: random.Random) -> str:
    """𝐋𝐎𝐀𝐍."""
    base = rng.choice(MATHS)
    return "".join(
        chr(base + ord(c.upper()) - 65) if c.isascii() and c.isalpha() else c for c in text
    )


def circled(text: str, rng: random.Random) -> str:
    """①③⑧."""
    return "".join(CIRCLED[int(c)] if c.isascii() and c.isdigit() else c for c in text)


def keycaps(text: str, rng: random.Random) -> str:
    """1️⃣3️⃣8️⃣."""
    return "".join(f"{c}\ufe0f\u20e3" if c.isascii() and c.isdigit() else c for c in text)


def hidden(text: str, rng: random.Random) -> str:
    """Characters that are not seen, between those that are."""
    odd = ["\u200b", "\u200c", "\u2060", "\ufeff", "\u00ad", "\u202c"]
    return "".join(c + (rng.choice(odd) if rng.random() < 0.4 else "") for c in text)


def marks(text: str, rng: random.Random) -> str:
    """l̷o̷a̷n̷, with one mark or more."""
    piles = ["\u0336", "\u0335\u0301", "\u0308\u0332\u0334"]
    return "".join(c + (rng.choice(piles) if c.isalpha() else "") for c in text)


def blanks(text: str, rng: random.Random) -> str:
    """贷 款: blanks between Chinese characters, often enough to break each word."""
    return _between(text, [" ", "  ", "\u3000"], rng)


def signs(text: str, rng: random.Random) -> str:
    """贷*款, 贷|款, 贷☆款."""
    return _between(text, ["*", "|", "^", "~", "_", ".", "·", "-", "☆", "★", "♥", "/"], rng)


def letters(text: str, rng: random.Random) -> str:
    """贷k款: one letter in a word."""
    return _between(text, list("bdkmnz"), rng, 0.25)


def _between(text: str, odd: list[str], rng: random.Random, often: float = 0.5) -> str:
    made = []
    for one, after in zip(text, [*text[1:], ""], strict=True):
        made.append(one)
        if _is_han(one) and after and _is_han(after) and rng.random() < often:
            made.append(rng.choice(odd))
    return "".join(made)


def spaced_english(text: str, rng: random.Random) -> str:
    """l.o.a.n, F R E E: some of the words of four letters and more."""
    mark = rng.choice(". -*_")
    return " ".join(
        mark.join(w) if len(w) > 3 and w.isascii() and w.isalpha() and rng.random() < 0.4 else w
        for w in text.split(" ")
    )


def leet(text: str, rng: random.Random) -> str:
    """l0an."""
    return " ".join(
        "".join(LEET.get(c, c) if i else c for i, c in enumerate(w))
        if w.isascii() and w.isalpha() and rng.random() < 0.5 else w
        for w in text.split(" ")
    )  # fmt: skip


def taken_apart(text: str, rng: random.Random) -> str:
    """代贝款, 亻尔."""
    for word, other in IN_WORDS.items():
        text = text.replace(word, other)
    return "".join(PIECES.get(c, c) for c in text)


def sounds(text: str, rng: random.Random) -> str:
    """Pinyin and characters that sound or look alike."""
    for word in sorted(SOUNDS, key=len, reverse=True):
        new = rng.choice(SOUNDS[word])
        text = re.sub(f"{word}(?=[A-Za-z0-9])", f"{new} ", text)
        text = re.sub(f"(?<=[a-z]){word}", f" {new}", text).replace(word, new)
    return text


def numerals(text: str, rng: random.Random) -> str:
    """一三八零零: numbers of eleven digits in Chinese numerals."""
    made, run = [], ""
    for c in f"{text}\n":
        if c.isascii() and c.isdigit():
            run += c
            continue
        made.append("".join(CHINESE[int(d)] for d in run) if len(run) >= 7 else run)
        made.append(c)
        run = ""
    return "".join(made)[:-1]


def links(text: str, rng: random.Random) -> str:
    """h t t p : / / x 点 c0m."""
    dot = rng.choice(["点", "。", "[.]", " dot ", "(.)"])
    for end in ("com", "cn", "cc", "top"):
        new = "c0m" if end == "com" and rng.random() < 0.3 else end
        text = text.replace(f".{end}", f"{dot}{new}")
    scheme = rng.choice(["h t t p : / / ", "hxxp://", "ｈｔｔｐ：／／"])
    return text.replace("http://", scheme)


TECHNIQUES: Final[dict[str, Technique]] = {
    one.__name__: one
    for one in (
        full_width, upper, traditional, lookalikes, mathematical, circled, keycaps, hidden, marks,
        blanks, signs, letters, spaced_english, leet, taken_apart, sounds, numerals, links,
    )
}  # fmt: skip


def evade(text: str, technique: str, rng: random.Random) -> str:
    """Disguise a text in one way, or (`two`) in two that do not undo each other."""
    if technique == "two":
        first, second = rng.sample(["traditional", "hidden", "full_width", "signs", "sounds"], 2)
        return TECHNIQUES[second](TECHNIQUES[first](text, rng), rng)
    return TECHNIQUES[technique](text, rng)
