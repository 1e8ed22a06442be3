"""Write the code tables of docs/cmpp.md, sgip.md, smgp.md and smpp.md from those of the wire room,
so that they cannot disagree.

`python tools/draw_codes.py` rewrites the part between the marks of each page; a test holds that
nothing is left to rewrite.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from assent.wire import cmpp_tables, sgip_tables, smgp_codes, smgp_tables, smpp_codes

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- drawn by tools/draw_codes.py -->", "<!-- end of drawing -->"

ACTIONS = """| what we do | |
|---|---|
| accepted | the message is the carrier's; its report is waited for |
| throttled | the message waits and is offered to the same link again |
| elsewhere | not the message's fault: another link, or this one later, may take it |
| unsure | nobody knows whether it was taken: it is never sent again by itself |
| refused | the message will not be taken like this: it has failed |"""


CARRIERS_INVENT = """Carriers invent more. Everything that is neither DELIVRD nor ACCEPTD counts \
as failed, and the raw
text is kept."""


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def section(title: str, body: str, more: str = "") -> str:
    """A section with a table, and a word after it."""
    return f"## {title}\n\n{body}" + (f"\n\n{more}" if more else "")


_CODE = ("code", "meaning", "what we do")
_STAT = ("stat", "meaning", "outcome")


def _flat(
    rows: dict[int, tuple[str, str]] | dict[str, tuple[str, str]],
) -> list[tuple[object, ...]]:
    return [(code, *row) for code, row in rows.items()]


def _cmpp() -> list[str]:
    return [
        section("Status of a bind", table(_CODE, _flat(cmpp_tables.CONNECT_STATUS))),
        section(
            "Result of a SUBMIT",
            table(_CODE, _flat(cmpp_tables.RESULTS)),
            "Any other code refuses; 100 to 199 are a vendor's own.",
        ),
        section(
            "Stat of a report",
            table(_STAT, _flat(cmpp_tables.STATS)),
            "Codes of the form `XX:nnnn` come from the element that XX names:",
        ),
        table(("prefix", "who says it"), cmpp_tables.STAT_PREFIXES.items()),
        CARRIERS_INVENT,
    ]


def _sgip() -> list[str]:
    errors = [(code, *row) for code, row in sgip_tables.REPORT_ERRORS.items()]
    return [
        section("Result of a BIND", table(_CODE, _flat(sgip_tables.BIND_STATUS))),
        section(
            "Result of a SUBMIT",
            table(_CODE, _flat(sgip_tables.RESULTS)),
            "Any other code refuses.",
        ),
        section(
            "State of a report",
            table(("state", "meaning", "outcome"), _flat(sgip_tables.STATES)),
            "Reports are kept under one word of seven characters, as other dialects have it:",
        ),
        table(
            ("word", "meaning"),
            [
                *((word, row[0]) for word, row in sgip_tables.STATS.items()),
                *((f"{prefix}:nnnn", said) for prefix, said in sgip_tables.STAT_PREFIXES.items()),
            ],
        ),
        section(
            "ErrorCode of a report",
            table(("code", "meaning", "what it says of the number"), errors),
            "The message has failed in every case.",
        ),
    ]


def _smgp() -> list[str]:
    errors = [(code, *row) for code, row in smgp_codes.REPORT_ERRORS.items()]
    return [
        section("Status of a Login", table(_CODE, _flat(smgp_tables.LOGIN_STATUS))),
        section(
            "Status of a Submit",
            table(_CODE, _flat(smgp_codes.RESULTS)),
            "Any other code refuses; 128 to 255 are a vendor's own.",
        ),
        section(
            "Stat of a report",
            table(_STAT, _flat(smgp_codes.STATS)),
            "Whatever is neither DELIVRD nor ACCEPTD counts as failed, and the raw text is kept.",
        ),
        section(
            "Err of a report",
            table(("err", "meaning", "comes with", "what it says of the number"), errors),
        ),
    ]


def _smpp() -> list[str]:
    statuses = [
        (f"{code:#04x}", f"ESME_{name}", said, action)
        for code, (name, said, action) in smpp_codes.STATUS.items()
    ]
    states = [(state, *row) for state, row in smpp_codes.MESSAGE_STATES.items()]
    return [
        section(
            "command_status",
            table(("code", "name", "meaning", "what we do"), statuses),
            "Any other status refuses; 0x400 to 0x4ff are a vendor's own.",
        ),
        section("message_state", table(("state", "name", "word in a receipt"), states)),
        section(
            "Stat of a receipt",
            table(_STAT, _flat(smpp_codes.STATS)),
            "Any other word counts as failed, and the raw text is kept.",
        ),
    ]


PAGES = {"cmpp.md": _cmpp, "sgip.md": _sgip, "smgp.md": _smgp, "smpp.md": _smpp}


def drawn(name: str, page: str) -> str:
    """A page with its tables made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    parts = "\n\n".join([*PAGES[name](), section("What we do", ACTIONS)])
    return f"{before}{BEGIN}\n\n{parts}\n\n{END}{after}"


def main() -> int:
    for name in PAGES:
        page = DOCS / name
        page.write_text(drawn(name, page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
