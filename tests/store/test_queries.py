"""Named SQL files: what is accepted, what is refused, and that ours prepare."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import AssentError, LocalProtocolError
from assent.store.queries import PACKAGED, load, parse


def test_blocks_have_name_description_and_statement() -> None:
    text = """-- About the file.

-- name: one_row
-- The first line,
-- the second.
SELECT 1
 WHERE true;

-- name: other
-- Words.
-- a comment that belongs to the description
SELECT 2 -- inside
"""
    first, second = parse(text, "f.sql")
    assert (first.name, first.source) == ("one_row", "f.sql:3")
    assert first.description == "The first line, the second."
    assert first.sql == "SELECT 1\n WHERE true"
    assert second.sql == "SELECT 2 -- inside"


def test_a_heading_for_the_next_block_is_not_part_of_the_statement() -> None:
    first, second = parse(
        "-- name: a\n-- d\nSELECT 1;\n\n-- Now for b ---\n\n-- name: b\n-- d\nSELECT 2;", "f.sql"
    )
    assert first.sql == "SELECT 1"
    assert second.sql == "SELECT 2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1;\n-- name: a\n-- d\nSELECT 1", "before the first"),
        ("-- name: a\nSELECT 1", "no description"),
        ("-- name: a\n-- d\n", "no statement"),
        ("-- name: a\n-- d\n;", "no statement"),
        ("-- name: A b\n-- d\nSELECT 1", "not a name"),
        ("-- name:\n-- d\nSELECT 1", "not a name"),
    ],
)
def test_broken_blocks_are_refused(text: str, words: str) -> None:
    with pytest.raises(AssentError, match=words) as caught:
        parse(text, "f.sql")
    assert caught.value.code == "query_file"
    assert "f.sql:" in caught.value.message


def test_a_name_is_given_once_over_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- name: q\n-- d\nSELECT 1")
    (tmp_path / "b.sql").write_text("\n-- name: q\n-- d\nSELECT 2")
    with pytest.raises(AssentError, match=r"b\.sql:2: q is defined at a\.sql:1"):
        load(tmp_path)


def test_an_unknown_name_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(LocalProtocolError, match="'nothing'"):
        load(tmp_path).sql("nothing")


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        blocks = parse(text, "f.sql")
    except AssentError:
        return
    assert all(block.sql and block.description for block in blocks)


async def test_every_query_of_ours_prepares(migrated_url: str) -> None:
    connection = await asyncpg.connect(migrated_url)
    broken = {}
    try:
        for query in load(PACKAGED).values():
            try:
                await connection.prepare(query.sql)
            except asyncpg.PostgresError as error:
                broken[f"{query.source} {query.name}"] = str(error)
    finally:
        await connection.close()
    assert not broken


def test_every_query_is_used() -> None:
    root = Path(__file__).parents[2]
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("src", "tests", "bench")
        for path in (root / folder).rglob("*.py")
    )
    names = [block.name for path in PACKAGED.glob("*.sql") for block in parse(path.read_text(), "")]
    assert len(names) > 100
    assert [name for name in names if f'"{name}"' not in code] == []
