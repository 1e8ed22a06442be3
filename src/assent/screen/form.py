"""The form of a text: who signs it, how to reach and how to refuse them, what a code text holds.

Looks at the text as it was handed in, since form is for the eye. What must be *there* is asked of
a text only when it is known to be finished and what it was ordered for; what is *false* (a refusal
that costs, or that nobody understands) is told of any text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from assent.message import Purpose
from assent.screen.finding import Finding, Severity, Span
from assent.text import billing_counts
from assent.text.keyword_sets import KeywordSets
from assent.text.keywords import Kind
from assent.text.wording import beside_words, has_contact, signature_of

__all__ = ["FORM_CODES", "Form", "FormRules", "narrow"]

FORM_CODES: Final[Mapping[str, tuple[str, str, str]]] = {
    "signature_missing": (
        "no 【signature】 at the front (CN-14, CN-71)",
        "开头缺少【签名】",
        "finished",
    ),
    "signature_second": ("more than one pair of 【】 (CN-77)", "出现不止一对【】", "finished"),
    "signature_wrong": (
        "another 【signature】 than the port's (CN-70)",
        "签名与端口报备的不一致",
        "finished",
    ),
    "contact_missing": (
        "an offer without the sender's contact number (CN-22, CN-40)",
        "商业短信未写明联系电话",
        "finished",
    ),
    "refusal_missing": (
        "an offer that does not tell how to refuse (CN-13)",
        "商业短信未提供拒收方式",
        "commercial",
    ),
    "refusal_word_unknown": (
        "tells to refuse with a word that refuses nothing (CN-13)",
        "所写的退订口令无效",
        "commercial",
    ),
    "refusal_costs": ("refusing costs money (CN-13)", "拒收要收费", "commercial"),
    "refusal_elsewhere": (
        "refuses only by writing to another number (CN-13)",
        "须向另一号码发送才能拒收",
        "commercial",
    ),
    "refusal_by_link": ("refuses only through a link (CN-13)", "只能点链接拒收", "commercial"),
    "code_missing": (
        "a code text without a code or a word for it (CN-95)",
        "验证类短信没有验证码",
        "ordered",
    ),
    "codes_several": (
        "a code text with more than one code (CN-95)",
        "验证码短信含有不止一个验证码",
        "ordered",
    ),
    "code_promotional": (
        "a code text with something promotional (CN-95)",
        "验证码短信夹带推广内容",
        "ordered",
    ),
    "code_link": ("a code text with a link (CN-95)", "验证码短信带有链接", "ordered"),
    "too_long": ("more segments than carriers take (CN-96)", "超过运营商允许的条数", "finished"),
}
"""Each code of form: words in English and Chinese, and when it holds a text: `finished` when its
port is known, `ordered` when it was ordered for a purpose, `commercial` when that is marketing;
else it is a note."""

_WIDE: Final = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20}
_WORD: Final = r"[A-Za-z]{1,12}\d{0,6}(?![A-Za-z0-9])|\d{1,8}(?!\d)|退订|拒收"
_REPLY: Final = r"(?:回复?|发送?|编辑)(?:短信)?[\s\"'“”‘’:]{0,2}"
_LINK_WORD: Final = r"(?:https?://|www\.|[a-z0-9-]{2,}\.(?:com|cn|net|top|xyz|cc|vip|info|org)\b)"
_MENTIONED: Final = re.compile(r"[拒退]|取消|不收|谢绝|(?i:stop|unsub|opt|arret|end|quit|cancel)")
_ENGLISH: Final = re.compile(
    r"(?i:\b(?:reply|text|send|txt)\s+(?:with\s+)?[\"'“”]?([a-z]{1,15})\b[\"'“”]?"
    r"(\s+to\s+(?:opt|end|unsub|cancel|quit|stop|decline|refuse))?"
    r"|\b([a-z]{1,12})\s+to\s+(?:opt[ -]?out|end|unsubscribe|cancel|quit)\b)"
)
_ELSEWHERE: Final = re.compile(r"[\"'“”]?\s?(?:到|至|to)\s?\d{5,}")
_AROUND: Final = 14
_MOST_CHECKED: Final = 4000
"""Characters of a text whose form is looked at: more than any message has."""


def narrow(text: str) -> str:
    """Return a text with full-width signs made narrow; every character keeps its place."""
    return text if text.isascii() else text.translate(_WIDE)


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of the port that a finished text leaves from: its signature without 【】 (""
    when unknown), and the sender's filed contact numbers (none: whatever looks like one will do).
    """

    signature: str = ""
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to refuse that a text tells: the word to reply, and where all that stands."""

    word: str
    span: Span
    known: bool
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class FormRules:
    """The rules of form. Immutable; share one."""

    contacts: tuple[re.Pattern[str], ...]
    before: re.Pattern[str]
    after: re.Pattern[str]
    linked: re.Pattern[str]
    cost: re.Pattern[str]
    free: re.Pattern[str]
    bare_cost: re.Pattern[str]
    code_words: re.Pattern[str]
    code: re.Pattern[str]
    beside: tuple[re.Pattern[str], ...]
    promotional: re.Pattern[str]
    most_segments: int
    owner: str
    words: KeywordSets = field(repr=False)
    _read: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_document(
        cls, rules: Mapping[str, Any], owner: str, words: KeywordSets | None = None
    ) -> FormRules:
        """Build from the part `form` of the rules. `words`: what replies are read with; the
        packaged sets if not given. Raises KeyError and re.error for a document that is none."""
        verbs = "|".join(map(re.escape, rules["refusal_verbs"]))
        cost = rules["refusal_cost"]
        return cls(
            contacts=tuple(map(re.compile, rules["contact_patterns"])),
            before=re.compile(rf"(?:{verbs})[^,。;!?\n]{{0,6}}?{_REPLY}({_WORD})"),
            after=re.compile(
                rf"{_REPLY}({_WORD})(?:[\s\"'“”‘’:,]{{0,2}}(?:即可|可|以)?(?:{verbs})|(?<=[订收]))"
            ),
            linked=re.compile(
                rf"(?:{verbs}|(?i:unsubscribe|opt[ -]?out))[^。;!?\n]{{0,14}}?(?i:{_LINK_WORD})"
            ),
            cost=re.compile(cost, re.IGNORECASE),
            free=re.compile(rules["refusal_free"], re.IGNORECASE),
            bare_cost=re.compile(rf"{_REPLY}({_WORD})[\s\"'“”‘’]{{0,2}}(?:{cost})", re.IGNORECASE),
            code_words=re.compile("|".join(map(re.escape, rules["code_words"])), re.IGNORECASE),
            code=re.compile(rules["code_pattern"]),
            beside=beside_words(rules["code_words"], rules["code_pattern"]),
            promotional=re.compile(rules["code_promotional"], re.IGNORECASE),
            most_segments=int(rules["most_segments"]),
            owner=owner,
            words=words or KeywordSets.load(),
        )

    def check(
        self,
        text: str,
        purpose: Purpose | None = None,
        form: Form | None = None,
        links: Sequence[Span] = (),
    ) -> tuple[Finding, ...]:
        """Return what is wrong with a text's form. `purpose`: what it was ordered for; `form`: of
        a finished text, as its receiver sees it; `links`: where links to hosts that are not filed
        stand."""
        text = text[:_MOST_CHECKED]
        found = _Found(self.owner, purpose, form)
        plain = narrow(text)
        self._signature(text, form, purpose, found)
        if purpose is Purpose.MARKETING:
            self._contact(text, form, found)
        self._refusal(plain, purpose is Purpose.MARKETING, found)
        if purpose is Purpose.VERIFICATION:
            self._code(plain, links, found)
        if len(text) > 70 * (self.most_segments - 1):
            segments = int(billing_counts([text])[0])
            if segments > self.most_segments:
                found("too_long")
        return tuple(found.all)

    # The parts ---------------------------------------------------------------------------------

    def _signature(
        self, text: str, form: Form | None, purpose: Purpose | None, found: _Found
    ) -> None:
        pairs = text.count("【")
        if pairs > 1 or text.count("】") > 1:
            places = [i for i, char in enumerate(text) if char in "【】"][2:]
            found("signature_second", *((i, i + 1) for i in places))
        if form is None or purpose is Purpose.SYSTEM:
            return
        signature = signature_of(text)
        if signature is None:
            found("signature_missing")
        elif form.signature and signature != form.signature:
            found("signature_wrong", (0, len(signature) + 2))

    def _contact(self, text: str, form: Form | None, found: _Found) -> None:
        if not has_contact(text, form.contacts if form else (), self.contacts):
            found("contact_missing")

    def _refusal(self, plain: str, commercial: bool, found: _Found) -> None:
        ways = self.ways(plain) if _MENTIONED.search(plain) else []
        good = [way for way in ways if way.known and not way.elsewhere]
        priced = self._priced(plain, ways)
        if priced:
            found("refusal_costs", *priced)
        if good or priced:
            return
        linked = self.linked.search(plain)
        if ways:
            for way in ways:
                found("refusal_elsewhere" if way.known else "refusal_word_unknown", way.span)
        elif linked:
            found("refusal_by_link", linked.span())
        elif commercial:
            found("refusal_missing")

    def _priced(self, plain: str, ways: Sequence[_Way]) -> list[Span]:
        """Return where refusing costs something."""
        hit = self.bare_cost.search(plain)
        if hit and self.refuses(hit.group(1)) and not self.free.search(hit.group()):
            return [hit.span()]
        for way in ways:
            start, end = way.span
            around = re.split(r"[。;!?\n【】]", plain[end : end + _AROUND])[0]
            inside = plain[start:end] + around
            hit = self.cost.search(inside)
            if hit and not self.free.search(inside):
                return [(start, start + hit.end())]
        return []

    def offers(self, plain: str) -> bool:
        """Tell whether a narrow text has a word of promotion, or tells how to refuse."""
        if self.promotional.search(plain):
            return True
        return _MENTIONED.search(plain) is not None and any(w.known for w in self.ways(plain))

    def ways(self, plain: str) -> list[_Way]:
        """Return the ways to refuse that a narrow text tells, false ones too."""
        found: list[_Way] = []
        for pattern in (self.before, self.after):
            for hit in pattern.finditer(plain):
                elsewhere = _ELSEWHERE.match(plain, hit.end()) is not None
                found.append(_Way(hit[1], hit.span(), self.refuses(hit[1]), elsewhere))
        if not found:
            for hit in _ENGLISH.finditer(plain):
                word, told, first = hit.groups()
                known = self.refuses(word or first)
                if known or told:
                    elsewhere = _ELSEWHERE.match(plain, hit.end()) is not None
                    found.append(_Way(word or first, hit.span(), known, elsewhere))
        return found

    def refuses(self, word: str) -> bool:
        """Tell whether a reply of this word alone would be a refusal, in China or elsewhere."""
        known = self._read.get(word)
        if known is None:
            kinds = {self.words[name].read(word).kind for name in ("CN", "US")}
            known = bool(kinds & {Kind.REFUSE, Kind.REFUSE_ALL})
            if len(self._read) < 10_000:
                self._read[word] = known
        return known

    def _code(self, plain: str, links: Sequence[Span], found: _Found) -> None:
        word = self.code_words.search(plain)
        placeholder = "{" in plain or "##" in plain
        if word is None or not (placeholder or self.code.search(plain)):
            found("code_missing")
        codes = {hit[1]: hit.span(1) for pattern in self.beside for hit in pattern.finditer(plain)}
        if len(codes) > 1:
            found("codes_several", *sorted(codes.values()))
        promotional = [hit.span() for hit in self.promotional.finditer(plain)]
        if promotional:
            found("code_promotional", *promotional)
        if links:
            found("code_link", *links)


class _Found:
    """Gathers findings: holds where the code's condition is met, else notes."""

    def __init__(self, owner: str, purpose: Purpose | None, form: Form | None) -> None:
        self.all: list[Finding] = []
        self._owner = owner
        self._holds = {
            "finished": form is not None,
            "ordered": purpose is not None,
            "commercial": purpose is Purpose.MARKETING,
        }

    def __call__(self, code: str, *spans: Span) -> None:
        en, zh, when = FORM_CODES[code]
        severity = Severity.HOLD if self._holds[when] else Severity.NOTE
        self.all.append(Finding(code, severity, en, zh, spans, self._owner))
