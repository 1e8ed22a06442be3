"""Migrations: numbered SQL files, applied forward only, each in one transaction.

Files are `migrations/NNNN_name.sql`, numbered from 0001 without gaps. What was applied is
written in the table `migration` with the SHA-256 of its text, and never changes again: a mistake
is mended by the next number. `schema.sql` is the whole as it should stand; a test proves that
the migrations lead there (`catalog.py` compares).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg

from assent.errors import AssentError, Conflict
from assent.store.driver import Connection
from assent.store.failures import translated
from assent.store.pool import Connector

PACKAGED = Path(__file__).parent / "migrations"
SCHEMA = Path(__file__).parent / "schema.sql"

# Advisory locks with two keys are a space apart from those with one (groups, DESIGN.md).
LOCK_CLASS: Final = 4712
_FILE = re.compile(r"(\d{4})_([a-z][a-z0-9_]*)\.sql")
_TRANSACTION_CONTROL = re.compile(
    r"^\s*(begin|commit|end|rollback|abort|start\s+transaction)(\s+(work|transaction))?\s*;",
    re.IGNORECASE | re.MULTILINE,
)
_HISTORY = """
CREATE TABLE IF NOT EXISTS migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    at timestamptz NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file. `sha256` is of its text with line ends as LF, in hex."""

    number: int
    name: str
    sql: str
    sha256: str

    @property
    def title(self) -> str:
        """Return number and name, as in the file's name."""
        return f"{self.number:04d}_{self.name}"


def load(directory: Path = PACKAGED) -> list[Migration]:
    """Read the migrations of `directory`, in order.

    Raises AssentError (`migration_file`) for a strange file name, a gap or a double number, or a
    statement that would end the migration's own transaction.
    """
    migrations: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise _broken(path.name, "is not named NNNN_name.sql")
        expected = len(migrations) + 1
        if int(match.group(1)) != expected:
            raise _broken(path.name, f"should carry the number {expected:04d}")
        sql = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
        if _ends_transaction(sql):
            raise _broken(path.name, "begins or ends a transaction; each file is one already")
        digest = hashlib.sha256(sql.encode()).hexdigest()
        migrations.append(Migration(expected, match.group(2), sql, digest))
    return migrations


async def migrate(
    url: str, *, at: datetime, migrations: Sequence[Migration] | None = None
) -> list[Migration]:
    """Bring the database at `url` up to the code; return what was applied now, in order.

    `at` (with a time zone) is written beside each. Safe to call from several processes at once:
    one applies, the others wait and find nothing left. A migration that fails leaves nothing of
    itself behind; those before it stay.

    Raises Conflict `migration_changed` where an applied file reads otherwise today,
    `database_newer` where the database was migrated by newer code; AssentError
    `migration_failed` naming the file and the SQLSTATE; Unavailable as `Store`.
    """
    wanted = load() if migrations is None else list(migrations)
    connection = await (await Connector.probe(url)).connect("assent migrate")
    try:
        with translated("migration lock"):
            await connection.execute("SELECT pg_advisory_lock($1::int4, 1)", LOCK_CLASS)
            await connection.execute(_HISTORY)
            rows = await connection.fetch("SELECT number, name, sha256 FROM migration")
        applied = {row["number"]: (f"{row['number']:04d}_{row['name']}", row) for row in rows}
        _check_history(wanted, {n: (title, row["sha256"]) for n, (title, row) in applied.items()})
        missing = [migration for migration in wanted if migration.number not in applied]
        for migration in missing:
            await _apply(connection, migration, at)
        return missing
    finally:
        connection.terminate()


def _check_history(wanted: Sequence[Migration], applied: dict[int, tuple[str, str]]) -> None:
    known = {migration.number: migration for migration in wanted}
    for number, (title, sha256) in sorted(applied.items()):
        migration = known.get(number)
        if migration is None:
            raise Conflict(
                "database_newer",
                f"the database has migration {title}; this code knows {len(wanted)} of them",
                mend="run the newer version of assent, or restore the backup from before it",
            )
        if migration.title != title or migration.sha256 != sha256:
            raise Conflict(
                "migration_changed",
                f"migration {title} was applied to the database with another text",
                mend="put the file back as it was released and make the change a new migration",
            )


async def _apply(connection: Connection, migration: Migration, at: datetime) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migration (number, name, sha256, at) VALUES ($1, $2, $3, $4)",
                migration.number,
                migration.name,
                migration.sha256,
                at,
            )
    except asyncpg.PostgresError as error:
        if connection.is_closed():
            with translated(migration.title):
                raise
        # The text of a migration is ours, so the server's words may be shown; but where it met
        # data (classes 22 and 23) they may quote a row.
        quotes_data = (error.sqlstate or "")[:2] in {"22", "23"}
        words = "the data does not fit" if quotes_data else error.args[0] if error.args else ""
        raise AssentError(
            "migration_failed",
            f"migration {migration.title} failed and left nothing behind:"
            f" {words} ({error.sqlstate})",
            mend="mend the cause and start again",
        ) from None
    except (asyncpg.InterfaceError, OSError):
        with translated(migration.title):
            raise


def _ends_transaction(sql: str) -> bool:
    """Tell whether the text has BEGIN, COMMIT or the like outside of function bodies."""
    outside = re.sub(r"(\$[a-z_]*\$).*?\1", "", sql, flags=re.DOTALL | re.IGNORECASE)
    return _TRANSACTION_CONTROL.search(outside) is not None


def _broken(file: str, reason: str) -> AssentError:
    return AssentError("migration_file", f"{file} {reason}", mend="rename or correct the file")
