"""The end of a run as one HTML file: tables and inline SVG charts, no script, nothing fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from assent.demo import words
from assent.demo.outcome import Outcome
from assent.demo.table import facts

_STYLE: Final = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;
max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2530;background:#fff}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;width:100%}
td,th{padding:.25rem .6rem;border-bottom:1px solid #dde3ea;text-align:right}
td:first-child,th:first-child{text-align:left}th{font-weight:600;color:#546375}
.zh{color:#546375;margin-left:.4em}.yes{color:#12723c}.no{color:#b3261e;font-weight:600}
svg{width:100%;height:auto}svg text{font:13px system-ui,"Noto Sans CJK SC",sans-serif;fill:#1c2530}
.legend i{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}
@media(prefers-color-scheme:dark){body{background:#14191f;color:#e3e8ee}svg text{fill:#e3e8ee}
td,th{border-color:#313b47}th,.zh{color:#9fb0c3}.yes{color:#6fd39b}.no{color:#ff8a80}}
"""
_COLOURS: Final = {
    "delivered": "#2f7fd1", "not delivered": "#e0a030", "refused": "#c2453d", "people": "#5b7f95",
}  # fmt: skip
_LEGEND: Final = {
    "delivered": "送达",
    "not delivered": "未送达",
    "refused": "拒收",
    "people": "人次",
}
_KEPT: Final = '<span class="yes">✓ kept 已兑现</span>'
_BROKEN: Final = '<span class="no">✗ BROKEN 未兑现</span>'
_ROW: Final = 24
_LABEL: Final = 330
_WIDTH: Final = 900


def write(outcome: Outcome, path: Path) -> None:
    """Write the report to `path`. Raises OSError."""
    path.write_text(page(outcome), encoding="utf-8")


def page(outcome: Outcome) -> str:
    """Return the whole page."""
    reasons = {" ".join(words.reason(code)): Counter(people=count)
               for code, count in outcome.rejected.most_common()}  # fmt: skip
    sections = [
        _heading("Promises, judged by the carriers' records", "承诺（以运营商记录为准）"),
        _promises(outcome),
        _heading("Orders", "订单"),
        _orders(outcome),
        _heading("Refusals, codes, speed", "退订、验证码与速度"),
        _table((), [(_both(en, zh), escape(value)) for en, zh, value in facts(outcome)]),
        _heading("By carrier", "按运营商"),
        chart(outcome.carriers, ("delivered", "not delivered")),
        _heading("By province", "按省份"),
        chart(outcome.provinces, ("delivered", "not delivered", "refused")),
        _heading("Why people were not written to", "未发送原因"),
        chart(reasons, ("people",)),
    ]
    title = "assent: one lawful campaign, end to end"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{title}</h1><p class="zh">一次合规的群发：从提交到回执</p>'
        f"<p>Seed {outcome.seed}; {outcome.figures['recipients']:,} messages handed in, "
        f"{outcome.figures['submitted']:,} sent over three simulated carriers in "
        f"{outcome.seconds:.0f} s. Every number is made up.</p>"
        + "".join(sections)
        + "</body></html>"
    )


def chart(rows: Mapping[str, Counter[str]], kinds: Sequence[str]) -> str:
    """Return stacked horizontal bars as inline SVG, one row a name, with a legend."""
    most = max((sum(counts[kind] for kind in kinds) for counts in rows.values()), default=0) or 1
    scale = (_WIDTH - _LABEL - 90) / most
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_ROW * len(rows) + 4}" role="img">']
    for place, (name, counts) in enumerate(rows.items()):
        top, left = place * _ROW, float(_LABEL)
        label = escape(name if len(name) <= 48 else name[:47] + "…")
        parts.append(f'<text x="{_LABEL - 8}" y="{top + 17}" text-anchor="end">{label}</text>')
        for kind in kinds:
            width = counts[kind] * scale
            parts.append(
                f'<rect x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="{_ROW - 7}" '
                f'fill="{_COLOURS[kind]}"><title>{escape(name)}: {kind} {counts[kind]:,}</title>'
                "</rect>"
            )
            left += width
        total = sum(counts[kind] for kind in kinds)
        parts.append(f'<text x="{left + 6:.1f}" y="{top + 17}">{total:,}</text>')
    legend = "".join(
        f'<i style="background:{_COLOURS[kind]}"></i>{kind} {_LEGEND[kind]}' for kind in kinds
    )
    return "".join(parts) + f'</svg><p class="legend">{legend}</p>'


def _heading(english: str, chinese: str) -> str:
    return f"<h2>{_both(english, chinese)}</h2>"


def _both(english: str, chinese: str) -> str:
    return f'{escape(english)}<span class="zh">{escape(chinese)}</span>'


def _promises(outcome: Outcome) -> str:
    rows = [
        (_both(en, zh), _KEPT if kept else _BROKEN)
        for en, zh, kept in words.verdicts(outcome.differences)
    ]
    lines = "".join(f'<li class="no">{escape(line)}</li>' for line in outcome.differences)
    return _table((), rows) + (f"<ul>{lines}</ul>" if lines else "")


def _orders(outcome: Outcome) -> str:
    heads = ("order 订单", "handed in 提交", "allowed 放行", "delivered 送达", "failed 失败",
             "cancelled 取消", "withheld 拦下", "over cap 超频")  # fmt: skip
    rows = []
    for name in words.in_order(outcome.books.orders):
        order = outcome.books.orders[name]
        states = order.states
        counts = (
            order.judged + sum(outcome.told.wrong.get(name, {}).values()), order.allowed,
            states["delivered"], states["failed"] + states["refused"] + states["unsure"],
            states["cancelled"], states["withheld"], states["over_cap"] + states["expired"],
        )  # fmt: skip
        rows.append((_both(*words.order(name)), *(f"{count:,}" for count in counts)))
    return _table(heads, rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if heads else ''}{body}</table>"
