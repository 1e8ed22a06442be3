"""What a person answers to a question of the operator's: a clear yes, a clear no, or neither.

Clear is a word of the list and nothing else but a code, marks and thanks around it. Everything
else is no yes: CN-20 takes what is unclear for a refusal. Which question is meant is told by the
code that stood in it; without a code by there being only one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

LONGEST: Final = 60
"""Characters of an answer: more is talk."""

_YES: Final = (
    "Y",
    "YES",
    "AGREE",
    "I AGREE",
    "是",
    "是的",
    "同意",
    "我同意",
    "愿意",
    "我愿意",
    "确认",
)
_NO: Final = ("N", "NO", "否", "不", "不是", "不同意", "我不同意", "不愿意", "我不愿意")
_THANKS: Final = ("谢谢", "谢了", "THANKS", "THANK YOU", "THX")
_MARKS: Final = " \t\r\n.。!！,，、;；:：\"'“”‘’()（）[]【】「」~～"
_FORM: Final = re.compile(
    r"(?:(?P<yes>{yes})|(?P<no>{no})) ?(?P<code>[0-9]{{4}})?(?: ?(?:{thanks}))?".format(
        yes="|".join(map(re.escape, sorted(_YES, key=len, reverse=True))),
        no="|".join(map(re.escape, sorted(_NO, key=len, reverse=True))),
        thanks="|".join(map(re.escape, _THANKS)),
    )
)


class Said(IntEnum):
    """What an answer says."""

    NEITHER = 0
    YES = 1
    NO = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as read. `code`: of the question, '' where it names none."""

    said: Said
    code: str = ""


def folded(text: str) -> str:
    """Return a short answer in capitals and narrow forms, one blank for marks between words, none
    around."""
    narrow = unicodedata.normalize("NFKC", text[: 4 * LONGEST]).upper()
    marks = str.maketrans(dict.fromkeys(_MARKS, " "))
    return " ".join(narrow.translate(marks).split())


def read_answer(text: str) -> Answer:
    """Read an answer. Never raises, whatever the text."""
    short = folded(text)
    found = _FORM.fullmatch(short) if len(short) <= LONGEST else None
    if found is None:
        return Answer(Said.NEITHER)
    return Answer(Said.YES if found["yes"] else Said.NO, found["code"] or "")


def meant(answer: Answer, codes: Sequence[str]) -> list[int]:
    """Return the places of the open questions, by their codes, that an answer is to.

    A yes is to one question or to none: that of its code, or the only one. A no without a code, or
    with one that nobody knows, is to all of them.
    """
    named = [place for place, code in enumerate(codes) if code and code == answer.code]
    if answer.said is Said.NO:
        return named or list(range(len(codes)))
    if answer.said is Said.YES:
        meant = named if answer.code else list(range(len(codes)))
        return meant if len(meant) == 1 else []
    return []
