"""What is found on a page: for reviewers, with stable codes and words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Final

from assent.screen.drift import Drift, Reason, cloaked, owner_of
from assent.screen.finding import Finding, Severity
from assent.screen.page import Page
from assent.screen.page_brands import VERSION, is_of, known_brands
from assent.screen.page_forms import GRAVE
from assent.screen.page_look import Look
from assent.screen.registry import Registry

__all__ = ["CODES", "judge_looks", "of_drift"]

MANY_HOPS: Final = 4
_OWNER: Final = "page/1"

CODES: Final = {
    "page_asks_card": (
        Severity.HOLD, "the page asks for a bank card's data", "页面要求填写银行卡信息",
    ),
    "page_asks_password": (Severity.HOLD, "the page asks for a password", "页面要求填写密码"),
    "page_asks_code": (
        Severity.NOTE, "the page asks for a verification code", "页面要求填写验证码",
    ),
    "page_asks_id_number": (
        Severity.HOLD, "the page asks for a document's number", "页面要求填写证件号码",
    ),
    "page_brand_mismatch": (
        Severity.HOLD, "the page shows the name {about}, and its host is not theirs",
        "页面显示“{about}”名称，但域名不属于该机构",
    ),
    "page_brand_steals": (
        Severity.REJECT, "the page poses as {about} and asks for secrets on another's host",
        "页面冒充“{about}”，并在他人域名下索取敏感信息",
    ),
    "page_posts_elsewhere": (
        Severity.HOLD, "what is filled in goes to another host: {about}",
        "填写的内容提交至其他域名：{about}",
    ),
    "page_opaque": (
        Severity.HOLD, "the page cannot be read without running it ({about})",
        "页面内容须运行脚本才能显示，无法核验（{about}）",
    ),
    "page_cloaked": (
        Severity.HOLD, "different visitors are shown different pages ({about})",
        "对不同访问者显示不同页面（{about}）",
    ),
    "page_changed": (
        Severity.HOLD, "the page is not the one that was approved ({about})",
        "页面与审核时不一致（{about}）",
    ),
    "page_gone": (Severity.HOLD, "the page is not there ({about})", "页面不存在（{about}）"),
    "page_refused": (
        Severity.HOLD, "the link leads where nobody may be led ({about})",
        "链接指向不允许访问的位置（{about}）",
    ),
    "page_unreachable": (
        Severity.NOTE, "the page could not be fetched ({about})", "页面暂时无法获取（{about}）",
    ),
    "page_unknown": (
        Severity.NOTE, "nobody looked behind the link ({about})", "未核验链接页面（{about}）",
    ),
    "redirects_many": (
        Severity.NOTE, "the link leads over {about} hops", "链接经过{about}次跳转",
    ),
    "redirects_away": (
        Severity.NOTE, "the link leads to another owner's host: {about}",
        "链接跳转至其他主体域名：{about}",
    ),
}  # fmt: skip
"""Every finding about a page: how grave, in English, in Chinese."""


def finding(code: str, about: Iterable[str] = ()) -> Finding:
    """Return a finding with what it is about in its words."""
    severity, en, zh = CODES[code]
    told = ", ".join(str(one) for one in about)[:200]
    return Finding(code, severity, en.format(about=told), zh.format(about=told), owner=_owner(code))


def _owner(code: str) -> str:
    return VERSION if code.startswith("page_brand") else _OWNER


def judge_looks(looks: Sequence[Look], hosts: Collection[str] = ()) -> list[Finding]:
    """Return what different visitors' looks behind one link tell, the gravest first, each once.
    `hosts`: those that were filed for the sender."""
    found: dict[tuple[str, str], Finding] = {}
    for look in looks:
        for one in _of_look(look, hosts):
            found.setdefault((one.code, one.en), one)
    pages = [look.page for look in looks if look.page is not None]
    # A program that is turned away says little; that phones and desktops part says a lot.
    reasons = [
        reason for place, page in enumerate(pages) for reason in _parted(page, pages[:place])
    ]
    if reasons:
        one = finding("page_cloaked", dict.fromkeys(reason.code for reason in reasons))
        found[one.code, ""] = one
    return sorted(found.values(), key=lambda one: (-one.severity, one.code))


def _parted(page: Page, others: Sequence[Page]) -> list[Reason]:
    return [reason for other in others for reason in cloaked(other, page)]


def _of_look(look: Look, hosts: Collection[str]) -> Iterable[Finding]:
    if look.outcome == "unknown":
        yield finding("page_unknown", (look.why,))
    elif look.outcome == "failed":
        yield finding("page_unreachable", (look.why,))
    elif look.outcome == "refused":
        yield finding("page_refused", (look.why,))
    elif look.outcome == "gone":
        yield finding("page_gone", (look.why,))
    if len(look.hops) > MANY_HOPS:
        yield finding("redirects_many", (str(len(look.hops) - 1),))
    if look.page is not None:
        yield from _of_page(look.page, hosts)


@cache
def _register() -> Registry:
    return Registry.packaged()


def _of_page(page: Page, hosts: Collection[str]) -> Iterable[Finding]:
    filed = is_of(page.host, hosts)
    first = page.chain[0] if page.chain else page.host
    if owner_of(first) != owner_of(page.host) and not filed:
        yield finding("redirects_away", (page.host,))
    if page.opaque:
        yield finding("page_opaque", (page.opaque,))
    known = known_brands()
    grave = page.asks & set(GRAVE)
    for name in page.brands:
        brand = known.get(name)
        if brand is None or filed or is_of(page.host, (*brand.hosts, *brand.others)):
            continue
        if _register().owner(page.host) is not None or name in _register().friend(page.host):
            continue  # one official site that shows another's name, or who bears it by right
        # Whoever is named by others' hosts may be them; whoever asks for secrets there is not.
        yield finding("page_brand_steals" if grave else "page_brand_mismatch", (name,))
    for what in ("card", "password", "code", "id_number"):
        if what in grave:
            yield finding(f"page_asks_{what}")
    away = {
        form.to
        for form in page.forms
        if form.to
        and set(form.asks) & {*GRAVE, "phone"}
        and owner_of(form.to) != owner_of(page.host)
    }
    if away and not all(is_of(one, hosts) for one in away):
        yield finding("page_posts_elsewhere", sorted(away))


def of_drift(drift: Drift) -> Finding | None:
    """Return the finding of a page that changed; None for what is benign."""
    codes = dict.fromkeys(reason.code for reason in drift.reasons)
    if drift.kind == "changed":
        return finding("page_changed", codes)
    if drift.kind == "opaque":
        return finding("page_opaque", drift.reasons[0].about)
    if drift.kind == "gone":
        return finding("page_gone", drift.reasons[0].about)
    return None
