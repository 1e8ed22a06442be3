"""Migrations: forward only, once, all or nothing, and equal to the schema."""

from __future__ import annotations

import asyncio
import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from assent.errors import AssentError, Conflict
from assent.store.catalog import describe
from assent.store.embedded import Embedded
from assent.store.migrate import SCHEMA, Migration, load, migrate
from tests.conftest import new_database

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def write(directory: Path, *texts: str) -> list[Migration]:
    for number, text in enumerate(texts, start=1):
        (directory / f"{number:04d}_step.sql").write_text(text)
    return load(directory)


async def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_our_migrations_add_up_to_the_schema(engine: Embedded, migrated_url: str) -> None:
    async with new_database(engine) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(SCHEMA.read_text(encoding="utf-8"))
        await connection.close()
        whole, migrated = await describe(url), await describe(migrated_url)
    assert [line for line in migrated if line not in whole] == []
    assert [line for line in whole if line not in migrated] == []
    assert len(whole) > 50


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a bigint)"),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int NOT NULL)"),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int DEFAULT 1)"),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int CHECK (a > 0))"),
        (
            "CREATE TABLE t (a bytea)",
            "CREATE TABLE t (a bytea); ALTER TABLE t ALTER a SET STORAGE EXTERNAL",
        ),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int) WITH (fillfactor = 50)"),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int); CREATE INDEX i ON t (a)"),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int) PARTITION BY RANGE (a)"),
        ("CREATE VIEW v AS SELECT 1 AS a", "CREATE VIEW v AS SELECT 2 AS a"),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ),
        ("CREATE TYPE e AS ENUM ('a')", "CREATE TYPE e AS ENUM ('a', 'b')"),
        ("CREATE SEQUENCE s", "CREATE SEQUENCE s INCREMENT 2"),
    ],
)
async def test_the_comparison_sees(empty_url: str, one: str, other: str) -> None:
    described = []
    connection = await asyncpg.connect(empty_url)
    for sql in (one, one, other):
        await connection.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {sql}")
        described.append(await describe(empty_url))
    await connection.close()
    assert described[0] == described[1] != described[2]


async def test_each_is_applied_once_and_written_down(tmp_path: Path, empty_url: str) -> None:
    first = write(tmp_path, "CREATE TABLE a (x int); INSERT INTO a VALUES (1);")
    assert await migrate(empty_url, at=AT, migrations=first) == first
    both = write(tmp_path, first[0].sql, "INSERT INTO a VALUES (2)")
    assert [m.number for m in await migrate(empty_url, at=AT, migrations=both)] == [2]
    assert await migrate(empty_url, at=AT, migrations=both) == []
    assert await rows(empty_url, "SELECT x FROM a ORDER BY x") == [(1,), (2,)]
    assert await rows(empty_url, "SELECT number, name, sha256, at FROM migration ORDER BY 1") == [
        (m.number, "step", m.sha256, AT) for m in both
    ]


async def test_several_processes_at_once_apply_once(tmp_path: Path, empty_url: str) -> None:
    steps = write(tmp_path, "CREATE TABLE a (x int)", "SELECT pg_sleep(0.05)")
    done = await asyncio.gather(*(migrate(empty_url, at=AT, migrations=steps) for _ in range(4)))
    assert sorted(len(applied) for applied in done) == [0, 0, 0, 2]


async def test_a_failing_one_leaves_nothing_of_itself(tmp_path: Path, empty_url: str) -> None:
    steps = write(tmp_path, "CREATE TABLE a (x int)", "CREATE TABLE b (x int); SELECT 1/0")
    with pytest.raises(AssentError, match="0002_step") as caught:
        await migrate(empty_url, at=AT, migrations=steps)
    assert caught.value.code == "migration_failed"
    assert await rows(empty_url, "SELECT to_regclass('a')::text, to_regclass('b')::text") == [
        ("a", None)
    ]
    mended = write(tmp_path, "CREATE TABLE a (x int)", "CREATE TABLE b (x int)")
    assert [m.number for m in await migrate(empty_url, at=AT, migrations=mended)] == [2]


async def test_changed_history_is_refused(tmp_path: Path, empty_url: str) -> None:
    await migrate(empty_url, at=AT, migrations=write(tmp_path, "CREATE TABLE a (x int)"))
    with pytest.raises(Conflict) as caught:
        await migrate(empty_url, at=AT, migrations=write(tmp_path, "CREATE TABLE a (y int)"))
    assert caught.value.code == "migration_changed"


async def test_a_newer_database_is_refused(tmp_path: Path, empty_url: str) -> None:
    steps = write(tmp_path, "SELECT 1", "SELECT 2")
    await migrate(empty_url, at=AT, migrations=steps)
    with pytest.raises(Conflict, match="0002_step") as caught:
        await migrate(empty_url, at=AT, migrations=steps[:1])
    assert caught.value.code == "database_newer"


def test_line_ends_do_not_change_history(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\nSELECT 2;\n")
    unix = load(tmp_path)
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    assert load(tmp_path) == unix


@pytest.mark.parametrize(
    "names", [["1_a.sql"], ["0002_a.sql"], ["0001_a.sql", "0003_a.sql"], ["0001_A.sql"]]
)
def test_strange_names_and_gaps_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(AssentError) as caught:
        load(tmp_path)
    assert caught.value.code == "migration_file"


@pytest.mark.parametrize("sql", ["COMMIT;", "select 1;\nbegin;", "  Rollback ;", "END;"])
def test_transaction_control_is_refused(tmp_path: Path, sql: str) -> None:
    with pytest.raises(AssentError, match="transaction"):
        write(tmp_path, sql)


def test_plpgsql_blocks_are_not_transaction_control(tmp_path: Path) -> None:
    body = "DO $$\nBEGIN\n  PERFORM 1;\nEND;\n$$;"
    assert write(tmp_path, body)[0].sql == body


def test_the_tool_makes_the_next_number(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "tools" / "new_migration.py"
    spec = importlib.util.spec_from_file_location("new_migration", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    write(tmp_path, "SELECT 1")
    made = tool.create(tmp_path, "add_label")
    assert made.name == "0002_add_label.sql"
    assert load(tmp_path)[1].name == "add_label"
    assert tool.main(["Bad-Name"]) == 2
