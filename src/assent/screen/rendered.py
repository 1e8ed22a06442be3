"""What variables bring into a text that was looked at: texts are judged again as they come out.

Most of what is put in says nothing by itself (a figure, a date, a short name), and is passed by
what is cheap to see. The rest is looked at twice, each different value once: the whole text as it
comes out, and the value alone, because a bait of ten characters drowns in a notice of sixty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from assent.message import Purpose
from assent.screen.finding import Finding, Severity, Span
from assent.screen.form import FORM_CODES
from assent.screen.normal import normalise_all
from assent.screen.verdict import Screened, Screener, Text, digits_of, gravest

__all__ = ["SEPARATOR", "VALUE_CODES", "check_rendered", "doubtful"]

SEPARATOR: Final = "\x1f"
"""Between the values of one text, where it has several."""

VALUE_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "value_link": (
        "a variable brings a link that is not filed for the sender (CN-76)",
        "变量内容夹带未报备的链接",
    ),
    "value_contact": (
        "a variable brings a way to get in touch (CN-76)",
        "变量内容夹带联系方式",
    ),
    "value_signature": ("a variable brings a 【signature】 (CN-77)", "变量内容夹带【签名】"),
    "value_speaks": (
        "a variable brings what nobody looked at: an offer, a bait, a request (CN-12, CN-76)",
        "变量内容夹带未经审核的推广、诱导等文字",
    ),
}
"""Each code of values: words in English and Chinese."""

_OWNER: Final = "rendered"
_OFFER: Final = 0.9
_PLAIN: Final = 6
"""Characters of a text's values that are too few to say something, unless they hold a sign."""
_FIGURES: Final = re.compile(r"[0-9a-z¥$€ .,:/\-\x1f年月日号元时分秒第]*")
_RUN: Final = re.compile(r"\d{5}")
_SIGNS: Final = re.compile(
    r"[@【】]|://|www|\.[a-z]{2}|微信|[vqw]信|加[我微v+q群]|[qv]q|[贷款息额券奖股彩赌领]|借[钱款呗]"
    r"|回复?[0-9a-z]|点击|发票|理财|投资|兼职|代办|套现|提现|免费|优惠|loan|cash|credit|click|http"
)
_HARMLESS: Final = frozenset({"hotline", "port"})


def doubtful(value: str) -> bool:
    """Tell whether what is put into a text has to be looked at. `value`: as it reads (normalised),
    several joined by SEPARATOR."""
    if _SIGNS.search(value):
        return True
    if len(value) <= 40 and _FIGURES.fullmatch(value):
        return any(len(run) > 24 for run in re.findall(r"[a-z]+", value))
    return len(value) > _PLAIN


def check_rendered(
    screener: Screener, template: Text, values: Sequence[str], texts: Sequence[str]
) -> list[Screened]:
    """Return what screening says of each finished text of a template.

    `template`: the text with its places, as it was looked at. `values[i]`: what was put in to make
    `texts[i]`, several joined by SEPARATOR. Texts with harmless values have the template's verdict.
    """
    base = screener.screen([template])[0]
    different = list(dict.fromkeys(values))
    normals = normalise_all(different)
    asked = {
        value: normal.text
        for value, normal in zip(different, normals, strict=True)
        if normal.evasions or doubtful(normal.text)
    }
    if not asked:
        return [base] * len(values)
    alone = screener.screen(
        [Text(value.replace(SEPARATOR, " "), template.sender, template.purpose) for value in asked]
    )
    said = {
        value: _speaks(screener, value, asked[value], found, template)
        for value, found in zip(asked, alone, strict=True)
    }
    places = [place for place, value in enumerate(values) if value in said]
    whole = screener.screen([replace(template, text=texts[place]) for place in places])
    answers = [base] * len(values)
    for place, found in zip(places, whole, strict=True):
        more = _placed(said[values[place]], values[place], texts[place])
        answers[place] = found if not more else _with(found, more)
    return answers


def _speaks(
    screener: Screener, value: str, normal: str, found: Screened, template: Text
) -> list[Finding]:
    """Return what a value does that a value should not, by how it is judged alone."""
    codes: dict[str, list[Span]] = {}
    for link in found.links:
        if link.host not in template.sender.hosts:
            codes.setdefault("value_link", []).append(link.span)
    filed = {digits_of(number) for number in template.form.contacts} if template.form else set()
    for contact in found.contacts:
        if contact.kind not in _HARMLESS and contact.value not in filed:
            codes.setdefault("value_contact", []).append(contact.span)
    if "【" in value or "】" in value:
        codes.setdefault("value_signature", [])
    if (
        any(_tells(screener, normal, found, one) for one in found.findings)
        or (template.purpose is not Purpose.MARKETING and _offers(screener, normal, found))
        or any(one.begins(normal, template.sender.licences) for one in screener.combined)
    ):
        codes.setdefault("value_speaks", [])
    return [
        Finding(code, Severity.HOLD, *VALUE_CODES[code], tuple(spans), _OWNER)
        for code, spans in codes.items()
    ]


def _tells(screener: Screener, normal: str, found: Screened, finding: Finding) -> bool:
    """Tell whether a finding of a value alone counts: what the model says of a few characters, or
    what is said of a text's form, does not: a name tells nobody how to refuse."""
    if finding.severity is Severity.NOTE or finding.code in FORM_CODES:
        return False
    sure = len(normal) > 2 * _PLAIN and found.spam_probability >= _OFFER
    return sure or finding.owner != screener.model.version


def _offers(screener: Screener, normal: str, found: Screened) -> bool:
    """Tell whether a value reads like an offer: by its words, or, where it is long enough to be
    judged alone, by its kind."""
    if screener.form.offers(normal):
        return True
    long = len(normal) > 2 * _PLAIN
    return long and found.purpose is Purpose.MARKETING and found.spam_probability >= _OFFER


def _placed(found: Sequence[Finding], value: str, text: str) -> list[Finding]:
    """Return findings of a value with places in the text that it came into."""
    spans: list[Span] = []
    for part in value.split(SEPARATOR):
        start = text.find(part) if part else -1
        if start >= 0:
            spans.append((start, start + len(part)))
    return [replace(finding, spans=tuple(sorted(spans))) for finding in found]


def _with(found: Screened, more: Sequence[Finding]) -> Screened:
    findings = tuple(sorted((*found.findings, *more), key=lambda f: -f.severity))
    return replace(found, findings=findings, verdict=gravest(findings))
