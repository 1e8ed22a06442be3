"""A small screener of plain rules, for tests of what follows from screening: it really reads the
texts, and knows far less than the shipped one."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assent.flow.screened import Screened, Text
from assent.message import Purpose
from assent.screen.categories import BY_CODE
from assent.screen.finding import Finding, Severity

_HARD = Severity.REJECT


@dataclass(frozen=True)
class Rule:
    """A pattern, what a text with it is, and how grave that is for who has no licence for it."""

    code: str
    pattern: str
    category: str
    severity: Severity


RULES = (
    Rule("loan_words", r"贷款|额度\d|万额度|提额|放款", "loan", Severity.HOLD),
    Rule("gambling_words", r"棋牌|百家乐|下注", "gambling", _HARD),
    Rule("bait_reply", r"(?:额度|贷款).{0,20}回复?\d", "credit_bait", _HARD),
    Rule("contact_chat", r"[加+]微信?[a-z0-9]{4,}", "advert", Severity.HOLD),
    Rule("prize_words", r"中奖", "prize_fraud", Severity.HOLD),
)


class WordScreens:
    """Screens by rules. `graver`: codes that reject in this version, whatever the table says;
    `more`: rules that this version has beside the others."""

    def __init__(
        self,
        version: str = "1",
        graver: frozenset[str] = frozenset(),
        more: tuple[Rule, ...] = (),
    ) -> None:
        self.version = version
        self.graver = graver
        self.rules = (*RULES, *more)
        self.calls: list[int] = []

    @property
    def digest(self) -> str:
        return hashlib.sha256(
            f"{self.version}{sorted(self.graver)}{self.rules}".encode()
        ).hexdigest()

    def screen(self, texts: Sequence[Text]) -> list[Screened]:
        self.calls.append(len(texts))
        return [self._one(text) for text in texts]

    def rendered(
        self, template: Text, values: Sequence[str], texts: Sequence[str]
    ) -> list[Screened]:
        self.calls.append(len(texts))
        return [self._one(replace(template, text=text)) for text in texts]

    def _one(self, text: Text) -> Screened:
        plain = _plain(text.text)
        category = "code" if "验证码" in plain else "notice"
        found = []
        for rule in self.rules:
            hits = [hit.span() for hit in re.finditer(rule.pattern, text.text)]
            if not hits:
                continue
            if BY_CODE[rule.category].licences & text.sender.licences:
                continue
            severity = _HARD if rule.code in self.graver else rule.severity
            category = rule.category
            found.append(
                Finding(rule.code, severity, f"reads like {rule.category}", "疑似违规",
                        tuple(hits), f"test-rules-{self.version}")
            )  # fmt: skip
        worst = max((one.severity for one in found), default=Severity.NOTE)
        verdict = {0: "allow", 1: "hold", 2: "reject"}[int(worst)]
        digest = hashlib.sha256(plain.encode()).hexdigest()
        return Screened(
            text.purpose or Purpose.NOTIFICATION, category, 0.9, 0.9 if found else 0.02,
            verdict, tuple(found), (), (), 1, digest,  # type: ignore[arg-type]  # a word
        )  # fmt: skip


def _plain(text: str) -> str:
    """Return a text as it reads: full-width letters narrow, nothing unseen."""
    return re.sub("[\\s\u200b]", "", unicodedata.normalize("NFKC", text))
