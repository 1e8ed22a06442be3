"""The words of an evidence bundle: its readme, and the page that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from assent.consent.bundle import Proved
from assent.flow.evidence_consents import shown

README: Final = """\
Evidence about messages and consent
===================================

What this archive holds
  entries.json    what the person agreed to and refused, as the consent ledger has it
  records/        messages, decisions, attempts, receipts and replies, as the platform has them
  records/consents/       what was said of how consents were obtained, the words that people agreed
                  to, and who brought them; the entries carry the statements' digests
  records/settings/       the rules, keywords, links and screening in force; the ledger names them
  records/readable.html, readable.pdf   the same to read

What it proves
  Each entry stands in the ledger exactly so, at its position. The ledger was signed; where
  witnesses cosigned, they saw it at the times they name. This archive was made by the holder of
  the log's key and was not changed since.

What it does not prove
  That there is no other entry or message: absence cannot be proved. That the records are complete
  and true: they are the platform's signed statement. Whose the keys are: compare them with those
  that are published.

How to check it
  assent verify THIS_FILE --key NAME+ID+KEY
  or with public tools: the formats are RFC 6962 and C2SP signed-note, tlog-checkpoint and
  tlog-cosignature; the manual's page "The consent ledger" tells the steps.


关于短信与同意的证据
====================

内容
  entries.json    同意账本中该用户的同意与拒收记录
  records/        平台记录：短信、判定、发送、回执与回复
  records/consents/       同意如何取得的陈述、所同意的告知全文、由谁提供；记录载有陈述的摘要
  records/settings/       当时有效的规则、关键词、链路与内容筛查；账本载有其摘要
  records/readable.html、readable.pdf   可阅读的版本

能够证明
  每条记录确以此内容存在于账本的相应位置；账本已签名；有见证人联署的，见证人于所载时间见过该账本。
  本文件由日志密钥持有人制作，此后未被改动。

不能证明
  不存在其他记录或短信（“不存在”无法证明）；平台记录完整且真实（这是平台签名的陈述）；
  密钥属于谁（请与公布的密钥核对）。

核验方法
  assent verify 本文件 --key 名称+编号+公钥
"""

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}"
    "table{border-collapse:collapse;width:100%;margin:0 0 2em}"
    "th,td{text-align:left;vertical-align:top;padding:.3em .6em;border-bottom:1px solid #ccc}"
    "h2{margin:2em 0 .5em}code{overflow-wrap:anywhere}"
)


def page(
    about: Mapping[str, Any],
    made_at: str,
    entries: Sequence[Proved],
    records: Mapping[str, Any],
) -> str:
    """Return one HTML page, without scripts and without anything from elsewhere."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>Evidence / 证据</title><style>{_STYLE}</style></head><body>",
        "<h1>Evidence / 证据</h1>",
        _table([("made at / 制作时间", made_at), *((k, in_words(v)) for k, v in about.items())]),
    ]
    for title, columns, rows in tables(entries, records):
        parts += [f"<h2>{escape(title)}</h2>", _rows(columns, rows)]
    return "\n".join([*parts, "</body></html>\n"])


Shown = tuple[str, tuple[str, ...], Sequence[Mapping[str, Any]]]
"""A table: its title, its columns, its rows."""


def tables(entries: Sequence[Proved], records: Mapping[str, Any]) -> list[Shown]:
    """Return what a bundle shows people, in order."""
    about_her = [one for one in entries if one.words["kind"] != "setting"]
    in_force = [one for one in entries if one.words["kind"] == "setting"]
    return [
        (
            "Consent and refusal / 同意与拒收",
            ("position", "kind", "happened_at", "channel", "origin", "grade", "purposes", "scope",
             "programme", "until", "receipt_code"),
            [{"position": one.position, **one.words} for one in about_her],
        ),
        (
            "How consent was obtained / 同意如何取得",
            ("position", "how", "source", "wording", "words", "declared", "statement", "evidence",
             "imported_at", "brought_by", "state"),
            shown(records),
        ),
        (
            "Messages / 短信",
            ("id", "accepted_at", "legal_name", "account", "purpose", "port", "text", "state",
             "decision", "attempts", "receipts"),
            records["messages.json"],
        ),
        (
            "Not sent by decision / 判定不发",
            ("order", "at", "account", "purpose", "decision"),
            records["rejections.json"],
        ),
        ("Replies / 回复", ("at", "destination", "text", "intent"), records["replies.json"]),
        (
            "Confirmations / 确认短信",
            ("created_at", "about", "names", "receipt_code", "state", "attempted_at"),
            records["confirmations.json"],
        ),
        (
            "Rules in force / 当时有效的规则",
            ("position", "document", "happened_at", "statement_sha256"),
            [{"position": one.position, **one.words} for one in in_force],
        ),
    ]  # fmt: skip


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows
    )
    return f"<table>{cells}</table>"


def _rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p>none / 无</p>"
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(in_words(row.get(column)))}</td>" for column in columns)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def in_words(value: Any) -> str:
    """Return a value as people read it."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {in_words(one)}" for name, one in value.items() if one)
    if isinstance(value, list):
        return "; ".join(in_words(one) for one in value)
    return str(value)
