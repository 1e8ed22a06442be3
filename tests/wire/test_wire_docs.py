"""The manual says what the tables say."""

from __future__ import annotations

from pathlib import Path

from assent.wire import cmpp_tables as tables
from assent.wire.states import State
from tools import draw_session

DOCS = Path(__file__).parent.parent.parent / "docs"


def _rows(page: str) -> set[str]:
    return {line for line in (DOCS / page).read_text(encoding="utf-8").splitlines() if "|" in line}


def test_the_diagrams_are_drawn_from_the_table() -> None:
    page = draw_session.PAGE.read_text(encoding="utf-8")
    assert draw_session.BEGIN in page
    assert draw_session.drawn(page) == page, "run python tools/draw_session.py"


def test_every_state_is_described() -> None:
    rows = _rows("session.md")
    for state in State:
        assert any(row.startswith(f"| {state.value} |") for row in rows), state


def test_every_code_is_described() -> None:
    rows = _rows("cmpp.md")
    for table in (tables.CONNECT_STATUS, tables.RESULTS, tables.STATS):
        for code, (meaning, action) in table.items():
            assert f"| {code} | {meaning} | {action} |" in rows
    for prefix, meaning in tables.STAT_PREFIXES.items():
        assert f"| {prefix} | {meaning} |" in rows


def test_every_command_is_described() -> None:
    rows = _rows("cmpp.md")
    for command in tables.LAYOUTS[3]:
        if not command & tables.ANSWER:
            name = tables.COMMAND_NAMES[command]
            assert any(row.startswith(f"| {name} | {command} |") for row in rows), name
