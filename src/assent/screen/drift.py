"""What differs between two looks at a page, and whether a person has to see it.

What a page changes by itself (dates, counters, prices, adverts, comments, tokens, class names) is
benign. What turns it into another page is not: another owner of the host, a form that asks for what
is stolen, another form's destination, text that was replaced, words of bait that were not there, a
page that can no longer be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from assent.screen.page import Page
from assent.screen.page_forms import GRAVE
from assent.screen.page_text import is_chinese, shingles, words_of
from assent.screen.registry import parts_of

__all__ = ["Drift", "cloaked", "differs", "owner_of"]

Kind = Literal["none", "benign", "changed", "opaque", "gone"]

LEAST_SHARED: Final = 0.45
"""Share of the old text's shingles below which the text was replaced."""
MOST_NEW: Final = 0.8
"""Share of the new text's shingles above which nearly all of it is new."""
LEAST_COMPARED: Final = 40
"""Shingles below which a text is too short for shares to mean anything."""
GONE: Final = frozenset({404, 410, 451})

_GRAVE: Final = re.compile(
    r"银行卡号|卡号及?密码|取款密码|交易密码|支付密码|短信验证码|动态口令|身份证号|有效期及?安全码|解冻|冻结"
    r"|安全账户|异常登录|账户异常|涉嫌洗钱|转账至|汇款至|打款|对公账户|保证金|解冻金|认证金|补缴|扣款授权"
    r"|重新认证|实名认证失效|失效|逾期未领|退税|补贴申领"
    r"|cvv|one time (?:code|password)|security code|verify your (?:account|identity|card)"
    r"|account (?:has been )?(?:suspended|locked|limited)|unusual (?:sign in|activity|login)"
    r"|confirm your (?:password|card|payment)|update your (?:payment|billing)|wire transfer"
    r"|seed phrase|recovery phrase|private key|gift card"
)
_BAIT: Final = re.compile(
    r"贷款|借款|额度|下款|放款|无抵押|网贷|征信|博彩|彩金|百家乐|真人荷官|首存|时时彩|棋牌|老虎机|投注|赌场"
    r"|荐股|牛股|带单|导师|稳赚|高收益|日结|刷单|兼职|返利|点赞任务|代开|发票|刻章|办证|裸聊|约炮|同城交友"
    r"|上门服务|成人视频|casino|jackpot|betting|sportsbook|payday loan|guaranteed returns"
    r"|forex signals|viagra|escort"
)
_LURES: Final = re.compile(
    r"(?:加|➕|\+)\s*(?:我|本人)?\s*(?:微信|薇信|威信|v信|wx|vx|qq|telegram|whatsapp|电报|飞机)"
    r"|(?:微信|微信号|vx|wx|wechat|whatsapp|telegram|qq)\s*[:：]\s*[\w+-]{5,}"
)
_NUMBERS: Final = re.compile(
    r"(?<![\d.])(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|[48]00-?\d{3}-?\d{4})(?![\d])"
)
_CARDS: Final = re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a page counts as changed. `about`: hosts, kinds of fields or words; nothing else."""

    code: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs. `score`: from 0 (the same) to 1 (nothing in common). A person has to look at
    `changed`, `opaque` and `gone`."""

    kind: Kind
    score: float
    reasons: tuple[Reason, ...] = ()

    @property
    def grave(self) -> bool:
        """Whether a person has to look."""
        return self.kind in ("changed", "opaque", "gone")


def owner_of(host: str) -> str:
    """Return the part of a host that somebody registered; the host itself where there is none."""
    parts = parts_of(host)
    return f"{parts.name}.{parts.suffix}" if parts.name and parts.suffix else host


def differs(old: Page, new: Page) -> Drift:
    """Return what differs between two looks of the same kind of visitor at one link."""
    if new.status in GONE and old.status not in GONE:
        return Drift("gone", 1.0, (Reason("page_gone", (str(new.status),)),))
    shared, fresh = _shares(old, new)
    reasons = [*_hosts(old, new), *_forms(old, new), *_words(old, new)]
    if fresh.replaced:
        reasons.append(Reason("text_replaced"))
    elif fresh.mostly_new:
        reasons.append(Reason("text_added"))
    if set(new.brands) - set(old.brands):
        reasons.append(Reason("brand_appeared", tuple(sorted({*new.brands} - {*old.brands}))))
    score = round(1.0 - shared, 3)
    if new.opaque and not old.opaque:
        return Drift("opaque", max(score, 0.5), (Reason("page_opaque", (new.opaque,)), *reasons))
    if old.opaque and new.opaque and not reasons:
        # Nothing of it was ever read: what can be compared is where it leads and what it loads.
        loads = set(new.hosts) - set(old.hosts)
        if old.skeleton != new.skeleton and loads:
            reasons.append(Reason("loads_from_elsewhere", tuple(sorted(loads))[:8]))
    if reasons:
        return Drift("changed", max(score, 0.5), tuple(reasons))
    same = old.text == new.text and old.skeleton == new.skeleton and old.title == new.title
    return Drift("none" if same else "benign", score)


def cloaked(one: Page, other: Page) -> tuple[Reason, ...]:
    """Return why two kinds of visitors seem to be shown different pages; () where they are not.

    A layout of its own for phones, or another language, is no cloaking.
    """
    reasons = []
    if owner_of(one.host) != owner_of(other.host):
        reasons.append(Reason("other_host", (one.host, other.host)))
    asks = (one.asks ^ other.asks) & set(GRAVE)
    if asks:
        reasons.append(Reason("asks_some", tuple(sorted(asks))))
    if bool(one.opaque) != bool(other.opaque) and "moves" in (one.opaque, other.opaque):
        reasons.append(Reason("moves_some"))
    if not one.opaque and not other.opaque and is_chinese(one.text) == is_chinese(other.text):
        ours, theirs = shingles(one.text), shingles(other.text)
        if min(len(ours), len(theirs)) >= LEAST_COMPARED:
            shared = len(ours & theirs) / min(len(ours), len(theirs))
            if shared < 0.2:
                reasons.append(Reason("other_text"))
    return tuple(reasons)


@dataclass(frozen=True, slots=True)
class _Fresh:
    replaced: bool
    mostly_new: bool


def _shares(old: Page, new: Page) -> tuple[float, _Fresh]:
    """Return how much of the old text is in the new one, and what that means."""
    main, after = shingles(old.main), shingles(new.main)
    everything = shingles(new.text)
    if len(main) < LEAST_COMPARED:  # all of it lies beside: menus, banners
        main, after = shingles(old.text), everything
    if not main:
        return float(not after), _Fresh(False, len(after) >= 2 * LEAST_COMPARED)
    shared = len(main & everything) / len(main)
    new_share = len(after - shingles(old.text)) / len(after) if after else 0.0
    if len(main) < LEAST_COMPARED:
        replaced = shared < 0.2 and len(after) >= 8
    else:
        replaced = shared < LEAST_SHARED
    mostly = new_share > MOST_NEW and len(after) >= 2 * LEAST_COMPARED
    return shared, _Fresh(replaced, mostly and not replaced)


def _hosts(old: Page, new: Page) -> list[Reason]:
    if owner_of(old.host) != owner_of(new.host):
        return [Reason("other_host", (old.host, new.host))]
    return []


def _forms(old: Page, new: Page) -> list[Reason]:
    reasons = []
    asks = (new.asks - old.asks) & set(GRAVE)
    if asks:
        reasons.append(Reason("asks_new", tuple(sorted(asks))))
    before = {owner_of(form.to) for form in old.forms if form.to}
    to = {
        form.to
        for form in new.forms
        if form.to and owner_of(form.to) not in before | {owner_of(new.host)}
    }
    # A search box that moves is none of anybody's business; where something is handed over, it is.
    risky = {form.to for form in new.forms if form.to in to and (form.asks or form.fields > 1)}
    if risky:
        reasons.append(Reason("posts_elsewhere", tuple(sorted(risky))))
    return reasons


def _words(old: Page, new: Page) -> list[Reason]:
    reasons = []
    ours, theirs = words_of(old.text), words_of(new.text)
    grave = _found(_GRAVE, theirs) - _found(_GRAVE, ours)
    bait = _found(_BAIT, theirs) - _found(_BAIT, ours)
    if len(grave) >= 2 or (grave and bait):
        reasons.append(Reason("words_grave", tuple(sorted(grave))[:8]))
    if len(bait) >= 3:
        reasons.append(Reason("words_bait", tuple(sorted(bait))[:8]))
    if _found(_LURES, new.text.lower()) and not _found(_LURES, old.text.lower()):
        reasons.append(Reason("contact_added"))
    numbers = _numbers(old.text), _numbers(new.text)
    if numbers[0] and numbers[1] and not numbers[0] & numbers[1]:
        reasons.append(Reason("contact_replaced"))
    if _cards(new.text) - _cards(old.text):
        reasons.append(Reason("account_number"))
    return reasons


def _found(pattern: re.Pattern[str], text: str) -> set[str]:
    return {found.group().strip() for found in pattern.finditer(text)}


def _numbers(text: str) -> set[str]:
    return {found.group().replace("-", "") for found in _NUMBERS.finditer(text)}


def _cards(text: str) -> set[str]:
    """Return the numbers of bank cards in a text: 16 to 19 figures whose check figure fits."""
    found = {re.sub(r"\D", "", hit.group()) for hit in _CARDS.finditer(text)}
    return {number for number in found if _luhn(number)}


def _luhn(number: str) -> bool:
    doubled = (int(figure) * (1 + place % 2) for place, figure in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
