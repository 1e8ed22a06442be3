"""Statements as files: CSV that no spreadsheet takes for formulas, and PDF, in two languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final, Literal
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from assent.flow.statements import Statement

Language = Literal["en", "zh"]

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "title": "Statement of account", "account": "Account", "company": "Company",
        "month": "Month", "currency": "Currency", "so_far": "so far; the month is not over",
        "opening": "Opening balance", "closing": "Closing balance",
        "available": "of that available", "reserved": "of that reserved for orders under way",
        "kind": "What", "count": "Number", "amount": "Amount", "purpose": "Purpose",
        "carrier": "Carrier", "price": "Price a segment", "segments": "Segments",
        "charges": "Messages charged", "deposit": "Deposits", "topup": "Payments",
        "topup_back": "Payments returned by the bank", "revenue": "Messages",
        "failed": "Failed messages given back", "tier": "Volume credit",
        "allot_in": "From the parent account", "allot_out": "To sub-accounts",
        "rebate": "Agent's rebate", "rebate_back": "Agent's rebate taken back",
        "verification": "verification", "notification": "notification", "marketing": "marketing",
        "internal": "internal", "system": "system",
    },
    "zh": {
        "title": "对账单", "account": "账户", "company": "公司", "month": "月份",
        "currency": "币种",
        "so_far": "截至目前，本月尚未结束", "opening": "期初余额", "closing": "期末余额",
        "available": "其中可用", "reserved": "其中在途订单预留", "kind": "项目", "count": "笔数",
        "amount": "金额", "purpose": "用途", "carrier": "运营商", "price": "单价（每条）",
        "segments": "计费条数", "charges": "短信计费明细", "deposit": "存入", "topup": "付款入账",
        "topup_back": "银行退汇", "revenue": "短信费", "failed": "失败返还", "tier": "阶梯价返还",
        "allot_in": "上级账户划入", "allot_out": "划拨子账户", "rebate": "代理返点",
        "rebate_back": "代理返点收回", "verification": "验证码", "notification": "通知",
        "marketing": "营销", "internal": "内部", "system": "系统",
    },
}  # fmt: skip

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_FONT: Final = "STSong-Light"  # one that every reader brings along: no font file is needed


def money(micro: int) -> str:
    """Return an amount in units, all six places that are not nothing and at least two."""
    sign = "-" if micro < 0 else ""
    whole, part = divmod(abs(micro), 1_000_000)
    places = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{places}"


def safe(cell: str) -> str:
    """Return a text that a spreadsheet shows instead of working it out."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def to_csv(one: Statement, language: Language) -> bytes:
    """Return a statement as CSV in UTF-8 with a mark, so that spreadsheets read it rightly."""
    words = _WORDS[language]
    out = io.StringIO(newline="")
    writer = csv.writer(out)

    def row(*cells: str) -> None:
        writer.writerow(cells)

    for name, value in _head(one, words):
        row(safe(name), safe(value))
    row()
    row(words["kind"], words["count"], words["amount"])
    row(words["opening"], "", money(one.opening))
    for kind, (count, amount) in one.moves.items():
        row(safe(words.get(kind, kind)), str(count), money(amount))
    row(words["closing"], "", money(one.closing))
    row(words["available"], "", money(one.available))
    row(words["reserved"], "", money(one.reserved))
    row()
    row(*(words[name] for name in _CHARGE_COLUMNS))
    for purpose, carrier, price, segments, amount in one.charges:
        row(safe(words[purpose]), safe(carrier), money(price), str(segments), money(amount))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


_CHARGE_COLUMNS: Final = ("purpose", "carrier", "price", "segments", "amount")


def _head(one: Statement, words: dict[str, str]) -> list[tuple[str, str]]:
    month = one.month.isoformat()[:7]
    return [
        (words["title"], month if one.final else f"{month} ({words['so_far']})"),
        (words["account"], one.account),
        (words["company"], one.company),
        (words["currency"], one.currency),
    ]


def to_pdf(one: Statement, language: Language) -> bytes:
    """Return a statement as PDF, the same octets each time."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    words = _WORDS[language]
    plain = ParagraphStyle("plain", fontName=_FONT, fontSize=10, leading=14)
    large = ParagraphStyle("large", parent=plain, fontSize=16, leading=22)
    head = _head(one, words)
    moves = [
        [words["kind"], words["count"], words["amount"]],
        [words["opening"], "", money(one.opening)],
        *[
            [words.get(kind, kind), str(count), money(amount)]
            for kind, (count, amount) in one.moves.items()
        ],
        [words["closing"], "", money(one.closing)],
        [words["available"], "", money(one.available)],
        [words["reserved"], "", money(one.reserved)],
    ]
    charges = [
        [words[name] for name in _CHARGE_COLUMNS],
        *[
            [words[purpose], carrier, money(price), str(segments), money(amount)]
            for purpose, carrier, price, segments, amount in one.charges
        ],
    ]
    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=A4, title=words["title"], invariant=1)
    document.build(
        [
            Paragraph(f"{escape(head[0][0])} {escape(head[0][1])}", large),
            *[Paragraph(f"{escape(name)}: {escape(value)}", plain) for name, value in head[1:]],
            Spacer(1, 12),
            _table(moves),
            Spacer(1, 12),
            Paragraph(escape(words["charges"]), plain),
            _table(charges),
        ]
    )
    return out.getvalue()


def _table(rows: Sequence[Sequence[str]]) -> Table:
    table = Table([list(row) for row in rows], repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), _FONT),
                ("FONTSIZE", (0, 0), (-1, -1), 9),
                ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
                ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
            ]
        )
    )
    return table
