"""Sealer, witness server and the loop between them, over real HTTP and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import httpx
import pytest

from assent.clock import SystemClock
from assent.consent.note import KeyKind, Note, SigningKey
from assent.consent.witness import witnessed_at
from assent.errors import Unavailable
from assent.flow.sealing import Sealer
from assent.flow.witnessing import PATIENCE_S, Witness, Witnessed, Witnessing, furthest
from assent.store import Store
from assent.web import HttpServer
from assent.web.witness import PATH, SeenFile, WitnessApp
from tests.flow.test_sealing import LOG, ORIGIN, Book

WITNESS = SigningKey("witness.example", KeyKind.COSIGNATURE, bytes(range(1, 33)))


async def post(url: str, body: str) -> tuple[int, str]:
    """Ask as the platform does."""
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.post(url, content=body.encode())
    except httpx.HTTPError:
        raise Unavailable("witness_away", "the witness does not answer") from None
    return answer.status_code, answer.text


@asynccontextmanager
async def witness(state: Path) -> AsyncIterator[str]:
    """Run a witness; yield its address."""
    app = WitnessApp(WITNESS, {ORIGIN: LOG.public}, SeenFile(state), SystemClock())
    server = HttpServer(app, port=0)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}{PATH}"
    finally:
        await server.stop()


@pytest.fixture
async def book(fresh_store: Store, migrated_url: str) -> Book:
    made = Book(fresh_store, migrated_url)
    await made.meet(3)
    return made


async def test_every_seal_is_cosigned_over_a_restart_of_the_witness(
    book: Book, tmp_path: Path
) -> None:
    for count in (3, 500, 1):
        await book.append(count)
        await book.seal()
        async with witness(tmp_path / "seen.json") as url:  # a new process each time
            ours = Witnessing(book.store, SystemClock(), [Witness(WITNESS.public, url)], post)
            assert await ours.round() == 1
            assert await ours.round() == 1  # the same again is no fork
        (row,) = await book.store.fetch("witnesses_all")
        assert row["size"] == book.sealer.head.size
        seen = witnessed_at(Note.parse(row["note"]), [WITNESS.public])
        assert abs(seen["witness.example"] - SystemClock().now()) < 60
    assert furthest([row]) == Witnessed(504, row["at"].timestamp())


async def test_a_witness_that_saw_more_is_believed_and_asked_from_there(
    book: Book, tmp_path: Path
) -> None:
    await book.append(10)
    await book.seal()
    async with witness(tmp_path / "seen.json") as url:
        party = [Witness(WITNESS.public, url)]
        await Witnessing(book.store, SystemClock(), party, post).round()
        await book.sql("DELETE FROM ledger_witness")  # our memory of it is older than its own
        await book.append(5)
        await book.seal()
        assert await Witnessing(book.store, SystemClock(), party, post).round() == 1


async def test_an_old_backup_is_noticed(book: Book, tmp_path: Path) -> None:
    await book.append(10)
    await book.seal()
    async with witness(tmp_path / "seen.json") as url:
        party = [Witness(WITNESS.public, url)]
        await Witnessing(book.store, SystemClock(), party, post).round()
        await book.sql(  # what a backup taken after six entries would hold
            "SET session_replication_role = replica",
            "DELETE FROM entry WHERE position > 6",
            "DELETE FROM ledger_tile",
            "DELETE FROM ledger_checkpoint",
            "DELETE FROM ledger_witness",
        )
        restored = Sealer(book.store, SystemClock(), LOG, ORIGIN, Random(1).randbytes)
        await restored.step()
        ours = Witnessing(book.store, SystemClock(), party, post)
        assert await ours.round() == 0
        assert ours.errors == {"witness.example": "ledger_rolled_back"}


async def test_a_rewritten_ledger_gets_no_cosignature(book: Book, tmp_path: Path) -> None:
    await book.append(10)
    await book.seal()
    async with witness(tmp_path / "seen.json") as url:
        party = [Witness(WITNESS.public, url)]
        await Witnessing(book.store, SystemClock(), party, post).round()
        await book.sql(  # one entry is another, everything is sealed again with the real key
            "SET session_replication_role = replica",
            "UPDATE entry SET body = set_byte(body, 15, 0) WHERE position = 3",
            "DELETE FROM ledger_tile",
            "DELETE FROM ledger_checkpoint",
        )
        await book.append(1)
        await Sealer(book.store, SystemClock(), LOG, ORIGIN, Random(1).randbytes).step()
        ours = Witnessing(book.store, SystemClock(), party, post)
        assert await ours.round() == 0
        assert ours.errors == {"witness.example": "ledger_forked"}


async def test_a_witness_that_is_away_is_named_and_delays_nothing(book: Book) -> None:
    await book.append(1)
    await book.seal()
    ours = Witnessing(
        book.store, SystemClock(), [Witness(WITNESS.public, "http://127.0.0.1:9/x")], post
    )
    assert await ours.round() == 0
    assert ours.errors == {"witness.example": "witness_away"}


def test_how_long_a_missing_witness_is_borne() -> None:
    seen = Witnessed(100, 1_000.0)
    assert seen.holds(100, 1e9)
    assert seen.holds(101, 1_000.0 + PATIENCE_S)
    assert not seen.holds(101, 1_001.0 + PATIENCE_S)
    assert not Witnessed().holds(1, PATIENCE_S + 1)


async def test_a_state_file_that_cannot_be_read_is_no_new_beginning(tmp_path: Path) -> None:
    (tmp_path / "seen.json").write_text("{")
    with pytest.raises(Unavailable, match="cannot be read"):
        SeenFile(tmp_path / "seen.json")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", PATH, b"", 404),
        ("POST", "/other", b"", 404),
        ("POST", PATH, b"", 400),
        ("POST", PATH, b"\xff", 400),
        ("POST", PATH, b"x" * 70_000, 413),
    ],
)
async def test_what_else_is_asked_of_a_witness(
    tmp_path: Path, method: str, path: str, body: bytes, status: int
) -> None:
    async with witness(tmp_path / "seen.json") as url, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.request(method, url.replace(PATH, path), content=body)
    assert answer.status_code == status
