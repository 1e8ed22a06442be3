"""What a text must carry so that its receiver knows who writes and how to refuse.

Each function looks at one text. Width is folded first (NFKC), so that ４００ and 400 or ：
and : are the same. Texts are personal data: nothing here keeps or names one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\$?\{[^{}]{1,40}\}|##[^#]{1,40}##")
_OPEN: Final = "【"
_CLOSE: Final = "】"


def fold(text: str) -> str:
    """Return the text with full-width and compatibility forms folded (NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def signature_of(text: str) -> str | None:
    """Return what stands in 【】 at the very front, None when nothing does."""
    if not text.startswith(_OPEN):
        return None
    end = text.find(_CLOSE)
    signature = text[1:end] if end > 1 else ""
    return signature if signature.strip() and _OPEN not in signature else None


def has_second_signature(text: str) -> bool:
    """Tell whether there is a bracket beyond one pair."""
    return text.count(_OPEN) > 1 or text.count(_CLOSE) > 1


def has_contact(text: str, filed: Sequence[str], patterns: Iterable[re.Pattern[str]]) -> bool:
    """Tell whether the text shows a contact number.

    With `filed` numbers it must be one of them, however separated; without, anything that
    looks like a telephone number by `patterns` will do.
    """
    folded = fold(text)
    if filed:
        return any(_number_pattern(number).search(folded) for number in filed)
    return any(pattern.search(folded) for pattern in patterns)


@lru_cache(maxsize=4096)
def _number_pattern(number: str) -> re.Pattern[str]:
    """Return a pattern for a filed business number with any separators between digits."""
    digits = [char for char in fold(number) if char.isdigit()]
    if not digits:
        return re.compile(r"(?!)")  # matches nothing: a number without digits shows nothing
    return re.compile(r"(?<!\d)" + r"[-\s()]{0,2}".join(digits) + r"(?!\d)")


def tells_how_to_refuse(text: str, ways: Iterable[re.Pattern[str]]) -> bool:
    """Tell whether one of the accepted wordings stands in the text."""
    folded = fold(text)
    return any(way.search(folded) for way in ways)


_COMMERCIAL: Final = re.compile(
    r"退订|拒收|[¥￥]\s?\d|\d(?:\.\d+)?\s?元|[\d一二两三四五六七八九半]折|打折|折扣|特价|优惠|促销|秒杀|抢购|满\d+[减送]"
    r"|立减|红包|代金券|买一送一|免费领|贷款|理财|利率|[A-Z]{0,4}\d+%\s?off|\bdiscount\b|\bsale\b",
    re.IGNORECASE,
)


def sounds_commercial(text: str) -> bool:
    """Tell whether a text has words that offers have: prices, discounts, a way to unsubscribe."""
    return _COMMERCIAL.search(fold(text)) is not None


def names_a_code(text: str, words: Iterable[str]) -> bool:
    """Tell whether a word for a code stands in the text; `words` are case-folded."""
    folded = fold(text).casefold()
    return any(word in folded for word in words)


def has_code(text: str, pattern: re.Pattern[str]) -> bool:
    """Tell whether the text has something like a code, or a placeholder for one."""
    folded = fold(text)
    return _PLACEHOLDER.search(folded) is not None or pattern.search(folded) is not None


def count_codes(text: str, beside: Iterable[re.Pattern[str]]) -> int:
    """Count the different codes that stand beside a word for a code."""
    folded = fold(text)
    return len({match.group(1) for pattern in beside for match in pattern.finditer(folded)})


def beside_words(words: Iterable[str], pattern: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns whose groups are the codes that stand beside a word for a code; none where
    there are no words or there is no pattern."""
    either = "|".join(re.escape(word) for word in words)
    if not (either and pattern):
        return ()
    return (
        re.compile(rf"(?i:{either})[^A-Za-z0-9]{{0,6}}({pattern})"),
        re.compile(rf"({pattern})[^A-Za-z0-9,.;!?。]{{0,4}}(?i:{either})"),
    )
