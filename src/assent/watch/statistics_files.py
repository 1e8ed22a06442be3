"""A publication as files: a workbook, a document to print, a chart. The same octets each time."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from assent.errors import InvalidInput
from assent.watch import statistics_words as words
from assent.watch.statistics_sheets import Cell, Sheet, sheets, to_csv

KINDS: Final = ("csv", "xlsx", "pdf", "svg")
_FONT: Final = "STSong-Light"  # one that every reader brings along: no font file is needed
_COLOURS: Final = tuple(colors.HexColor(one) for one in
                        (0x9AA5B1, 0x2F6DB5, 0xD9822B, 0x3B8F5A, 0x8E4B8B, 0xB23A48))  # fmt: skip
_BARS: Final = 40
_WIDE: Final = 8
"""Columns of a table on one page; wider ones go on in another table below."""


def write(told: Mapping[str, Any], kind: str, language: str) -> bytes:
    """Return a publication as `csv`, `xlsx`, `pdf` or `svg`. Raises InvalidInput for another kind
    and for a chart of nothing."""
    makers = {"csv": to_csv, "xlsx": to_xlsx, "pdf": to_pdf, "svg": to_svg}
    if kind not in makers:
        raise InvalidInput(
            "unknown_file_kind", "a file of statistics ends in .csv, .xlsx, .pdf or .svg",
            field="out", rule="statistics: files", mend="give the file one of these endings",
        )  # fmt: skip
    return makers[kind](told, language)


# Workbook ------------------------------------------------------------------------------------

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_NO_TITLE: Final = re.compile(r"[\[\]:*?/\\]")
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)


def to_xlsx(told: Mapping[str, Any], language: str) -> bytes:
    """Return a workbook (ECMA-376): a sheet a table, texts as texts, so that none is a formula."""
    made = sheets(told, language)
    titles: list[str] = []
    for sheet in made:
        title = _NO_TITLE.sub(" ", sheet.title)[:28]
        titles.append(title if title not in titles else f"{title} {len(titles)}"[:31])
    parts = {
        "[Content_Types].xml": _content_types(len(made)),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _workbook(titles),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(made) + 1)]
        ),
    }
    for n, sheet in enumerate(made, start=1):
        parts[f"xl/worksheets/sheet{n}.xml"] = _sheet(sheet)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            info = zipfile.ZipInfo(name, _FIRST_DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, f"{_XML}\n{text}")
    return out.getvalue()


def _content_types(count: int) -> str:
    over = [("/xl/workbook.xml", f"{_TYPE}.sheet.main+xml")]
    over += [(f"/xl/worksheets/sheet{n}.xml", f"{_TYPE}.worksheet+xml")
             for n in range(1, count + 1)]  # fmt: skip
    inner = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in over)
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="{relations}"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{inner}</Types>'
    )


def _relations(parts: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(parts, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _workbook(titles: Sequence[str]) -> str:
    inner = "".join(
        f'<sheet name={quoteattr(title)} sheetId="{n}" r:id="r{n}"/>'
        for n, title in enumerate(titles, start=1)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{inner}</sheets></workbook>'


def _sheet(sheet: Sheet) -> str:
    lines: list[list[Cell]] = [list(sheet.head), *sheet.rows]
    inner = "".join(
        f'<row r="{n}">{"".join(_cell(one, n, at) for at, one in enumerate(line))}</row>'
        for n, line in enumerate(lines, start=1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{inner}</sheetData></worksheet>'


def _cell(value: Cell, row: int, column: int) -> str:
    if value is None or value == "":
        return ""
    letters = ""
    place = column
    while place >= 0:
        letters = chr(ord("A") + place % 26) + letters
        place = place // 26 - 1
    if isinstance(value, str):
        text = escape(_NO_XML.sub("", value))
        return (
            f'<c r="{letters}{row}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
        )
    return f'<c r="{letters}{row}"><v>{value}</v></c>'


# Chart ---------------------------------------------------------------------------------------


def chart(told: Mapping[str, Any], table: Mapping[str, Any], language: str) -> Drawing | None:
    """Return horizontal bars of a table, a colour a column: shares where it has them, otherwise
    counts, or the share in time. None where there is nothing to draw."""
    _font()
    measure = next(one for one in ("share", "in_time", "n") if one in table["measures"])
    rows = table["rows"][:_BARS]
    columns = table["columns"][-len(_COLOURS) :]
    values = [[cell[measure] or 0 for cell in row["cells"][-len(columns) :]] for row in rows]
    largest = max((value for line in values for value in line), default=0)
    if not largest:
        return None
    bar, left, width, right = 9, 190, 420, 60
    block = bar * len(columns) + 7
    height = block * len(rows) + 48
    drawing = Drawing(left + width + right, height)
    title = f"{words.in_language(words.table(table['name']), language)}"
    named = words.in_language(words.measure(measure), language)
    drawing.add(_text(8, height - 16, f"{title} ({named})", 11))
    for place, column in enumerate(columns):
        x = left + place * (width / len(columns))
        drawing.add(Rect(x, height - 34, 8, 8, fillColor=_COLOURS[place], strokeColor=None))
        drawing.add(_text(x + 11, height - 34, column[language], 8))
    for at, (row, line) in enumerate(zip(rows, values, strict=True)):
        top = height - 44 - at * block
        label = " ".join(dict.fromkeys(filter(None, (_key(table, row), row[language]))))
        drawing.add(_text(8, top - block / 2, _cut(label, 8, left - 30), 8))
        for place, value in enumerate(line):
            y = top - (place + 1) * bar
            long = width * value / largest
            drawing.add(Rect(left, y, long, bar - 1, fillColor=_COLOURS[place], strokeColor=None))
            drawing.add(_text(left + long + 3, y + 1, f"{value:g}", 7))
    drawing.add(Line(left, 6, left, height - 42, strokeColor=colors.black, strokeWidth=0.5))
    return drawing


def _key(table: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    return str(row["key"]) if table["name"] == "port" else ""


def _text(x: float, y: float, words_: str, size: int) -> String:
    return String(x, y, _NO_XML.sub("", words_), fontName=_FONT, fontSize=size)


def _cut(label: str, size: int, room: float) -> str:
    """Return as much of a label as there is room for."""
    if pdfmetrics.stringWidth(label, _FONT, size) <= room:
        return label
    while pdfmetrics.stringWidth(f"{label}…", _FONT, size) > room:
        label = label[:-1]
    return f"{label}…"


def to_svg(told: Mapping[str, Any], language: str) -> bytes:
    """Return the charts of all tables below one another as SVG. Raises InvalidInput where there is
    nothing to draw."""
    drawn = [chart(told, table, language) for table in told["tables"]]
    found = [one for one in drawn if one is not None]
    if not found:
        raise InvalidInput(
            "nothing_to_draw", "there are no complaints in these periods", field="out",
            rule="statistics: files", mend="choose other periods, or another kind of file",
        )  # fmt: skip
    height = sum(one.height for one in found)
    whole = Drawing(max(one.width for one in found), height)
    for one in found:
        height -= one.height
        for shape in one.contents:
            _move(shape, height)
            whole.add(shape)
    text: str = renderSVG.drawToString(whole)
    title = escape(words.in_language(words.table("summary"), language))
    text = text.replace("<title>...</title>", f"<title>{title}</title>")
    text = text.replace("<desc>...</desc>", "")
    # The font is the one of documents; a browser has others.
    return text.replace(f"font-family: {_FONT}", "font-family: sans-serif").encode()


def _move(shape: Any, up: float) -> None:
    for name in ("y", "y1", "y2"):
        if hasattr(shape, name):
            setattr(shape, name, getattr(shape, name) + up)


# Document ------------------------------------------------------------------------------------


def _font() -> None:
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))


def to_pdf(told: Mapping[str, Any], language: str) -> bytes:
    """Return a document of A4 pages: every table, and a chart below those that have one."""
    _font()
    plain = ParagraphStyle("plain", fontName=_FONT, fontSize=7, leading=9, wordWrap="CJK")
    head = ParagraphStyle("head", parent=plain, fontSize=12, leading=18, spaceBefore=8)
    made = sheets(told, language, bounds=False)
    parts: list[Flowable] = []
    for place, sheet in enumerate(made):
        parts.append(Paragraph(escape(sheet.title), head))
        parts += _tables(sheet, plain, fixed=1 if place == 0 else 2)
        if 0 < place <= len(told["tables"]):
            drawn = chart(told, told["tables"][place - 1], language)
            parts += [] if drawn is None else [Spacer(1, 6), _fitted(drawn)]
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=landscape(A4), title=made[0].title, leftMargin=36, rightMargin=36,
        topMargin=36, bottomMargin=36, invariant=1,
    )  # fmt: skip
    document.build(parts)
    return out.getvalue()


def _fitted(drawing: Drawing) -> Drawing:
    """Return a chart that fits a page."""
    room = landscape(A4)[1] - 120
    by = min(1.0, room / drawing.height)
    drawing.scale(by, by)
    drawing.width, drawing.height = drawing.width * by, drawing.height * by
    return drawing


def _tables(sheet: Sheet, style: ParagraphStyle, fixed: int) -> list[Flowable]:
    found: list[Flowable] = []
    step = _WIDE - fixed
    for begin in range(fixed, max(len(sheet.head), fixed + 1), step):
        chosen = [*range(fixed), *range(begin, min(begin + step, len(sheet.head)))]
        lines: list[Sequence[Cell]] = [sheet.head, *sheet.rows]
        cells = [
            [Paragraph(escape("" if line[at] is None else str(line[at])), style) for at in chosen]
            for line in lines
        ]
        table = Table(cells, colWidths=[760 / len(chosen)] * len(chosen), repeatRows=1,
                      hAlign="LEFT")  # fmt: skip
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
                    ("TOPPADDING", (0, 0), (-1, -1), 1),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                ]
            )
        )
        found += [table, Spacer(1, 5)]
    return found
