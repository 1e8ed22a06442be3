"""The page of an evidence bundle that people print: the same as the HTML, the same octets each
time."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from assent.consent.bundle import Proved
from assent.flow.evidence_words import in_words, tables

_FONT: Final = "STSong-Light"  # one that every reader brings along: no font file is needed
_LONGEST: Final = 1_500
"""Characters of a cell; what is longer is whole in the records beside."""


def pdf(
    about: Mapping[str, Any],
    made_at: str,
    entries: Sequence[Proved],
    records: Mapping[str, Any],
) -> bytes:
    """Return the PDF."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    plain = ParagraphStyle("plain", fontName=_FONT, fontSize=8, leading=11, wordWrap="CJK")
    head = ParagraphStyle("head", parent=plain, fontSize=12, leading=18, spaceBefore=10)
    large = ParagraphStyle("large", parent=plain, fontSize=16, leading=24)
    parts: list[Flowable] = [Paragraph("Evidence / 证据", large)]
    facts = [
        ("made at / 制作时间", made_at),
        *((name, in_words(one)) for name, one in about.items()),
    ]
    parts.append(_pairs(facts, plain))
    for title, columns, rows in tables(entries, records):
        parts.append(Paragraph(escape(title), head))
        if not rows:
            parts.append(Paragraph("none / 无", plain))
        for row in rows:
            filled = [(name, in_words(row.get(name))) for name in columns]
            parts += [_pairs([pair for pair in filled if pair[1]], plain), Spacer(1, 5)]
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, title="Evidence", leftMargin=40, rightMargin=40, invariant=1
    )
    document.build(parts)
    return out.getvalue()


def _pairs(pairs: Sequence[tuple[str, str]], style: ParagraphStyle) -> Table:
    """Return names and what stands behind them, a line each: wide tables do not fit a page."""
    cells = [
        [Paragraph(escape(name), style), Paragraph(escape(_short(value)), style)]
        for name, value in pairs
    ]
    table = Table(cells, colWidths=[100, 410], hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, -1), (-1, -1), 0.25, colors.grey),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ]
        )
    )
    return table


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
