"""Why somebody is restricted by a ceiling, in words for the customer.

Rates are rounded: how many refused is told once a day and no sooner (DESIGN.md, promise 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from assent.flow.catalogue import Catalogue
from assent.message import Purpose
from assent.numbers import NumberTable
from assent.policy.ceilings import Ceiling, Counts
from assent.screen.categories import BY_CODE as CATEGORIES

_CHINA: Final = timedelta(hours=8)
_WHAT: Final = {
    "complained": ("complaints", "投诉"),
    "refused": ("refusals", "退订"),
    "failed": ("failed messages", "发送失败"),
}
_EFFECT: Final = {
    "defer": ("such messages are put off until {until}", "此类短信推迟至{until}发送"),
    "hold": (
        "such messages wait for the operator, until {until} at the latest",
        "此类短信暂停发送，待运营方处理，最迟至{until}",
    ),
    "reject": ("such messages are rejected until {until}", "此类短信在{until}前不予发送"),
}
PURPOSES: Final = {
    Purpose.VERIFICATION: ("codes", "验证码"),
    Purpose.NOTIFICATION: ("notices", "通知"),
    Purpose.MARKETING: ("marketing", "营销"),
    Purpose.INTERNAL: ("internal messages", "内部通知"),
}


def words_of(
    catalogue: Catalogue,
    ceiling: Ceiling,
    key: Mapping[str, Any],
    counts: Counts,
    until: float,
    taken: tuple[int, str],
) -> dict[str, str]:
    """Return the words, `en` and `zh`. `until`: unix seconds. `taken`: the step and its effect."""
    step, effect = taken
    end = f"{datetime.fromtimestamp(until, UTC) + _CHINA:%Y-%m-%d %H:%M}"
    rate = counts.events / max(counts.messages, 1)
    what, effects = _WHAT[ceiling.of], _EFFECT[effect]
    whom = named(catalogue, key)
    purposes = [PURPOSES[one] for one in sorted(ceiling.purposes)]
    about = "; ".join([", ".join(en for en, _ in purposes), *(en for en, _ in whom)])
    about_zh = "；".join(["、".join(zh for _, zh in purposes), *(zh for _, zh in whom)])
    return {
        "en": (
            f"Too many {what[0]} ({about}): about {share(rate)} in {ceiling.days} days,"
            f" {share(ceiling.rate)} is the most. Step {step} of {len(ceiling.steps)}:"
            f" {effects[0].format(until=end + ' (UTC+8)')}."
        ),
        "zh": (
            f"{what[1]}过多（{about_zh}）：{ceiling.days}天内约{share(rate)}，"
            f"上限{share(ceiling.rate)}。第{step}级（共{len(ceiling.steps)}级）："
            f"{effects[1].format(until=end)}。"
        ),
    }


def share(rate: float) -> str:
    """Return a rate in percent, in two digits."""
    return f"{rate * 100:.2g} %"


def named(catalogue: Catalogue, key: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return in English and Chinese whom a key is about: names as the tables have them."""
    found: list[tuple[str, str]] = []
    sender = catalogue.senders.get(key.get("sender") or 0)
    if sender is not None:
        found.append((f"sender {sender.legal_name}", f"内容提供者{sender.legal_name}"))
    if key.get("group"):
        names = [one.legal_name for one in catalogue.senders_of_group(key["group"])]
        found.append((f"group of {', '.join(names)}", f"{'、'.join(names)}一组"))
    account = catalogue.accounts.get(key.get("account") or 0)
    if account is not None:
        found.append((f"account {account.name}", f"账户{account.name}"))
    port = catalogue.ports.get(key.get("port") or 0)
    if port is not None:
        found.append(
            (f"port {port.number} ({port.carrier})", f"端口{port.number}（{port.carrier}）")
        )
    if key.get("carrier"):
        found.append((f"carrier {key['carrier']}", f"运营商{key['carrier']}"))
    if key.get("province"):
        en, zh = province(key["province"])
        found.append((f"receivers in {en}", f"{zh}用户"))
    category = CATEGORIES.get(key.get("category") or "")
    if category is not None:
        found.append((category.en, category.zh))
    return found


def province(place: int) -> tuple[str, str]:
    """Return a province's name in English and Chinese."""
    table = _provinces()
    if not 0 < place < len(table):
        return str(place), str(place)
    return table[place]


def province_place(name: str) -> int | None:
    """Return the place of a province in the table's list, by either name, None for none."""
    wanted = name.strip().lower()
    for place, names in enumerate(_provinces()):
        if place and wanted in (one.lower() for one in names):
            return place
    return None


@cache
def _provinces() -> list[tuple[str, str]]:
    return [(name.en, name.zh) for name in NumberTable.load().provinces]
