"""The words of the question whether somebody agrees: the operator's, with what the law wants in it.

Who would write, what, how often and for how long (CN-09), and how to answer; no link. What
a programme says of itself stands in the question as it was filed, so it is looked at here.
"""

from __future__ import annotations

import hashlib
from typing import Final

from assent.errors import InvalidInput
from assent.flow.order import VIDEO
from assent.registry.templates import looks_like_link
from assent.text.wording import fold, has_second_signature

CHINESE: Final = (
    "{name}请您确认是否同意接收其{what}：内容为{kinds}，频率{frequency}，期限{period}。"
    "同意请回复Y{code}，不同意请回复N{code}；不回复即为不同意。"
)
ENGLISH: Final = (
    "{name} asks whether you agree to get its {what}. About: {kinds}; how often: {frequency}; "
    "how long: {period}. Reply Y{code} to agree, N{code} if not; no reply means no."
)
LONGEST: Final = 60
"""Characters of kinds, frequency and period, each: a question is no essay."""

_WHAT: Final = {
    (False, False): "营销短信", (False, True): "营销视频短信",
    (True, False): "marketing texts", (True, True): "marketing video messages",
}  # fmt: skip
_PARTS: Final = ("kinds", "frequency", "period")


def check_programme(kinds: str, frequency: str, period: str) -> None:
    """Raise InvalidInput (`question_words`) where a programme says too little or too much of itself
    to be asked about."""
    for part, words in zip(_PARTS, (kinds, frequency, period), strict=True):
        folded = fold(words).strip()
        if not folded:
            why = f"the programme does not say its {part}"
        elif len(words) > LONGEST:
            why = f"the programme's {part} are longer than {LONGEST} characters"
        elif looks_like_link(folded) or has_second_signature(f"【】{words}"):
            why = f"the programme's {part} hold a link or a signature"
        elif any(mark in words for mark in "{}\r\n"):
            why = f"the programme's {part} are no plain words"
        else:
            continue
        raise InvalidInput(
            "question_words", why, field="programme", rule="CN-09",
            mend="have a programme filed that says type, frequency and period in plain words",
        )  # fmt: skip


def question(abroad: bool) -> str:
    """Return the text, to be filled with what :func:`filling` returns, and a {code}."""
    return ENGLISH if abroad else CHINESE


def filling(
    name: str, kinds: str, frequency: str, period: str, channel: str, abroad: bool
) -> dict[str, str]:
    """Return what to put into the text, but the code."""
    what = _WHAT[abroad, channel == VIDEO]
    return {"name": name, "what": what, "kinds": kinds, "frequency": frequency, "period": period}


def wording_of(text: str, filled: dict[str, str]) -> tuple[str, str, bytes]:
    """Return version, words and SHA-256 of what somebody agrees to: a question without its code."""
    words = text
    for name, value in filled.items():
        words = words.replace("{" + name + "}", value)
    digest = hashlib.sha256(words.encode()).digest()
    return f"question-{digest.hex()[:12]}", words, digest
