"""The embedded PostgreSQL: started, found again, stopped, killed; and what it says if it cannot."""

# ruff: noqa: ASYNC220, ASYNC221, ASYNC240, PT012, S607 - these tests are about files and processes

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import psutil
import pytest

from assent.errors import AssentError, Unavailable
from assent.store import Store, embedded_install, embedded_settings
from assent.store.embedded import Embedded, start
from assent.store.embedded_area import FileLock, PidFile, explained, fits, prepare
from assent.store.embedded_settings import quoted, tuned
from assent.store.embedded_user import SYSTEM_USER, current, default_area

GB = 1024**3
SMALL = {"shared_buffers": "32MB"}

OWNER = """
import asyncio, sys
from pathlib import Path
from assent.store.embedded import start

async def main() -> None:
    engine = await start(Path(sys.argv[1]), settings={"shared_buffers": "32MB"})
    print(engine.pid, engine.owned, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await engine.stop()

asyncio.run(main())
"""

COUNT = "-- name: count\n-- Count.\nSELECT count(*)::int FROM t;\n"


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def owner_process(data: Path) -> tuple[subprocess.Popen[str], int, bool]:
    """Start another process that starts the engine; return it, the engine's pid, and `owned`."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"], "HOME": "/"}
        | {k: v for k, v in os.environ.items() if k.startswith("ASSENT_")},
    )
    assert process.stdout is not None
    pid, owned = process.stdout.readline().split()
    return process, int(pid), owned == "True"


async def run(engine: Embedded, sql: str) -> object:
    connection = await asyncpg.connect(engine.dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.fixture
def new_data(engine_root: Path) -> Path:
    """A directory that is not there yet, in one that the engine's user can pass through."""
    parent = Path(tempfile.mkdtemp(dir=engine_root, prefix="d"))
    parent.chmod(0o711)
    return parent / "data"


@pytest.fixture(scope="module")
def made(engine_root: Path) -> Path:
    """A data directory that was started and stopped once; copying it is quicker than initdb."""

    async def make(path: Path) -> None:
        engine = await start(path, settings=SMALL)
        await engine.stop()

    asyncio.run(make(engine_root / "made"))
    return engine_root / "made"


@pytest.fixture
def data(new_data: Path, made: Path) -> Path:
    """A data directory of the test's own."""
    subprocess.run(["cp", "-a", made, new_data], check=True)
    return new_data


async def test_what_runs_is_private_durable_and_checked(engine: Embedded) -> None:
    settings = {
        name: await run(engine, f"SELECT current_setting('{name}')")
        for name in (
            *("fsync", "synchronous_commit", "full_page_writes", "listen_addresses"),
            *("data_checksums", "server_encoding", "password_encryption", "autovacuum"),
            *("timezone", "unix_socket_permissions", "wal_compression", "lc_messages"),
        )
    }
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "password_encryption": "scram-sha-256",
        "autovacuum": "on",
        "timezone": "UTC",
        "unix_socket_permissions": "0700",
        "wal_compression": settings["wal_compression"],
        "lc_messages": "C",
    }
    assert settings["wal_compression"] in {"on", "pglz"}
    assert await run(engine, "SELECT datcollate FROM pg_database WHERE datname = 'assent'") == "C"
    assert stat.S_IMODE(Path(engine.socket_directory).stat().st_mode) == 0o700
    assert stat.S_IMODE(engine.area.password.stat().st_mode) == 0o600
    assert stat.S_IMODE(engine.area.cluster.stat().st_mode) == 0o700
    assert not psutil.Process(engine.pid).net_connections("inet")


async def test_a_password_is_asked_for_and_not_shown(engine: Embedded) -> None:
    arguments = engine.connect_arguments()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**{**arguments, "password": "guess"})
    assert arguments["password"] not in repr(engine)


async def test_fsync_cannot_be_turned_off(engine: Embedded) -> None:
    connection = await asyncpg.connect(engine.dsn)
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("ALTER SYSTEM RESET fsync")
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.close()


async def test_a_server_without_fsync_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsafe = {**embedded_settings.FIXED, "fsync": "off"}
    monkeypatch.setattr(embedded_settings, "FIXED", unsafe)
    engine = await start(data, settings=SMALL)
    with pytest.raises(AssentError, match="fsync=off") as caught:
        await Store.open(engine.dsn, queries=tmp_path)
    assert caught.value.code == "store_fsync"
    assert caught.value.mend
    await engine.stop()


def test_every_error_of_the_engine_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
    sources = Path(embedded_install.__file__).parent.glob("embedded*.py")
    code = re.compile(r"\"(engine_[a-z_]+|disk_full|no_permission)\"")
    codes = {found for path in sources for found in code.findall(path.read_text(encoding="utf-8"))}
    assert len(codes) > 10
    assert [found for found in sorted(codes) if f"`{found}`" not in manual] == []


async def test_the_log_holds_no_statement_of_ours(engine: Embedded) -> None:
    connection = await asyncpg.connect(engine.dsn)
    with pytest.raises(asyncpg.DataError):
        await connection.execute("SELECT '86138x0138000'::bigint")
    await connection.close()
    await asyncio.sleep(0.05)
    assert "138" + "x" not in engine.area.log.read_text()


async def test_found_again_and_stopped_by_its_owner_only(data: Path) -> None:
    first = await start(data, settings=SMALL)
    second = await start(data)
    assert (first.owned, second.owned) == (True, False)
    assert (second.pid, second.dsn) == (first.pid, first.dsn)
    process, pid, owned = owner_process(data)
    assert (pid, owned) == (first.pid, False)
    process.communicate("\n")
    await second.stop()
    assert await run(first, "SELECT 1") == 1
    await run(first, "CREATE TABLE t AS SELECT 7 AS x")
    await first.stop()
    await first.stop()
    assert not alive(first.pid)
    assert "database system is shut down" in first.area.log.read_text()
    again = await start(data, settings=SMALL)
    assert "was not properly shut down" not in again.area.log.read_text()
    assert await run(again, "SELECT x FROM t") == 7
    await again.stop()


async def test_several_starts_at_once_make_one_server(new_data: Path) -> None:
    engines = await asyncio.gather(*(start(new_data, settings=SMALL) for _ in range(3)))
    assert len({engine.pid for engine in engines}) == 1
    assert sorted(engine.owned for engine in engines) == [False, False, True]
    for engine in engines:
        await engine.stop()
    assert not alive(engines[0].pid)


async def test_the_server_ends_with_its_killed_owner(data: Path) -> None:
    process, pid, owned = owner_process(data)
    assert owned
    process.kill()
    process.communicate()
    # A start at once meets a server that is ending: it waits for that and makes its own.
    engine = await start(data, settings=SMALL)
    assert engine.owned
    assert engine.pid != pid
    assert not alive(pid)
    await engine.stop()


async def test_ctrl_c_is_for_us_not_for_the_server(data: Path) -> None:
    engine = await start(data, settings=SMALL)
    assert os.getsid(engine.pid) == engine.pid != os.getsid(0)
    await engine.stop()


async def test_a_killed_server_recovers_and_the_store_with_it(data: Path, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text(COUNT)
    engine = await start(data, settings=SMALL)
    await run(engine, "CREATE TABLE t AS SELECT 1 AS x")
    store = await Store.open(engine.dsn, queries=tmp_path, min=2)
    assert await store.fetchval("count") == 1
    os.kill(engine.pid, signal.SIGKILL)
    assert await engine.wait() == -signal.SIGKILL
    assert not engine.running
    # The pool's sessions may outlive the postmaster for a moment; then they are gone.
    with pytest.raises(Unavailable):
        async with asyncio.timeout(10):
            while True:
                await store.fetchval("count")
    await engine.stop()
    again = await start(data, settings=SMALL)
    assert "not properly shut down; automatic recovery" in again.area.log.read_text()
    assert await store.fetchval("count") == 1
    await store.close()
    await again.stop()


async def test_a_busy_session_that_outlives_the_server_is_ended(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent.store.embedded.LEFTOVER_PATIENCE_S", 0.2)
    engine = await start(data, settings=SMALL)
    busy = asyncio.create_task(
        run(engine, "SELECT count(*) FROM generate_series(1, 1000000000) a WHERE a % 7 = 0")
    )
    await asyncio.sleep(0.2)
    os.kill(engine.pid, signal.SIGKILL)
    await engine.wait()
    await engine.stop()
    again = await start(data, settings=SMALL, patience_s=20)
    assert await run(again, "SELECT 1") == 1
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy
    await again.stop()


async def test_a_stale_pid_file_of_a_stranger_is_no_hindrance(data: Path) -> None:
    engine = await start(data, settings=SMALL)
    await engine.stop()
    user = current()
    stranger = subprocess.Popen(["/bin/sleep", "60"], **user.credentials())
    try:
        pid_file = engine.area.cluster / "postmaster.pid"
        pid_file.write_text(
            f"{stranger.pid}\n{engine.area.cluster}\n1700000000\n5432\n{data}/socket\n\n"
            " 1 1\nready\n"
        )
        user.give(pid_file)
        again = await start(data, settings=SMALL)
        assert again.owned
        await again.stop()
        assert alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_long_path_gets_a_short_socket(new_data: Path) -> None:
    deep = new_data / ("很长" * 20) / "x"
    deep.parent.mkdir(parents=True)
    new_data.chmod(0o711)
    deep.parent.chmod(0o711)
    engine = await start(deep, settings=SMALL)
    directory = Path(engine.socket_directory)
    assert not directory.is_relative_to(new_data)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    attached = await start(deep)
    assert attached.socket_directory == engine.socket_directory
    os.kill(engine.pid, signal.SIGKILL)
    await engine.wait()
    assert directory.exists()
    await engine.stop()
    assert not directory.exists()


async def test_settings_of_the_operator_are_read(data: Path) -> None:
    engine = await start(data, settings=SMALL)
    await engine.stop()
    local = data / "local.conf"
    local.write_text("work_mem = '7MB'\nfsync = off\n")
    local.chmod(0o644)
    engine = await start(data, settings=SMALL)
    assert await run(engine, "SHOW work_mem") == "7MB"
    assert await run(engine, "SHOW fsync") == "on"
    await engine.stop()
    local.write_text("no_such_setting = 1\n")
    with pytest.raises(AssentError, match="no_such_setting") as caught:
        await start(data, settings=SMALL)
    assert caught.value.code == "engine_setting"


async def test_a_directory_of_another_version_is_refused(data: Path) -> None:
    engine = await start(data, settings=SMALL)
    await engine.stop()
    (engine.area.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(AssentError, match="PostgreSQL 9") as caught:
        await start(data)
    assert caught.value.code == "engine_version"


async def test_a_lost_password_is_told(data: Path) -> None:
    engine = await start(data, settings=SMALL)
    await engine.stop()
    engine.area.password.unlink()
    with pytest.raises(AssentError) as caught:
        await start(data)
    assert caught.value.code == "engine_password"
    engine.area.password.write_text("another")
    with pytest.raises(AssentError) as caught:
        await start(data, settings=SMALL)
    assert caught.value.code == "engine_password"
    assert PidFile.read(engine.area.cluster) is None


async def test_a_directory_with_other_things_is_refused(new_data: Path) -> None:
    new_data.mkdir()
    (new_data / "postgresql.conf").write_text("mine")
    with pytest.raises(AssentError) as caught:
        await start(new_data)
    assert caught.value.code == "engine_directory"
    assert (new_data / "postgresql.conf").read_text() == "mine"


async def test_a_half_made_directory_is_made_anew(new_data: Path) -> None:
    user = current()
    prepare(new_data, user)
    (new_data / "cluster.new").mkdir()
    (new_data / "cluster.new" / "half").write_text("x")
    engine = await start(new_data, settings=SMALL)
    assert engine.owned
    await engine.stop()


async def test_somebody_who_does_not_let_go(data: Path) -> None:
    area = prepare(data, current())
    held = area.lock("start")
    assert held.take()
    with pytest.raises(Unavailable) as caught:
        await start(data, patience_s=0.1)
    assert caught.value.code == "engine_busy"
    held.drop()


async def test_programs_that_are_not_there(new_data: Path, tmp_path: Path) -> None:
    with pytest.raises(AssentError, match="programs") as caught:
        await start(new_data, bindir=tmp_path)
    assert caught.value.code == "engine_missing"


@pytest.mark.skipif(os.geteuid() != 0, reason="root drops privileges")
async def test_root_drops_privileges_and_touches_nothing_else(new_data: Path) -> None:
    before = new_data.parent.stat()
    engine = await start(new_data, settings=SMALL)
    assert psutil.Process(engine.pid).username() == SYSTEM_USER
    assert set(psutil.Process(engine.pid).uids()) == {current().uid}
    assert engine.area.root.stat().st_uid == 0
    assert engine.area.cluster.stat().st_uid == current().uid
    after = new_data.parent.stat()
    assert (before.st_uid, before.st_mode) == (after.st_uid, after.st_mode)
    await engine.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="for root only")
async def test_root_is_told_of_a_place_its_user_cannot_reach(new_data: Path) -> None:
    new_data.parent.chmod(0o700)
    with pytest.raises(AssentError, match=SYSTEM_USER) as caught:
        await start(new_data)
    assert caught.value.code == "no_permission"
    assert stat.S_IMODE(new_data.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="for root only")
async def test_programs_in_a_closed_place_are_copied(
    new_data: Path, engine_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the virtual environment lies under /root."""
    monkeypatch.delenv(embedded_install.TEST_BINDIR, raising=False)
    closed = Path(tempfile.mkdtemp(dir=engine_root, prefix="venv"))
    package = embedded_install._packaged()[-1].parents[1]
    shutil.copytree(package, closed / package.name)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, closed / libraries.name)
    homes = sorted(closed.glob(f"{package.name}/pginstall*"))
    (homes[-1] / "bin" / "postgres").chmod(0o700)
    engine = await start(new_data, bindir=homes[-1] / "bin", settings=SMALL)
    try:
        program = Path(psutil.Process(engine.pid).exe())
        assert program.is_relative_to(new_data / "engine")
        assert program.stat().st_uid == 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        await engine.stop()
    again = await start(new_data, bindir=homes[-1] / "bin", settings=SMALL)
    await again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
async def test_a_full_disk_is_told(new_data: Path) -> None:
    new_data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m,mode=0711", "tmpfs", new_data], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mount is not allowed here")
    try:
        with pytest.raises(Unavailable) as caught:
            await start(new_data)
        assert caught.value.code == "disk_full"
        assert not (new_data / "cluster").exists()
    finally:
        subprocess.run(["umount", new_data], check=True)


def test_errors_of_the_system_are_ours(tmp_path: Path) -> None:
    for error, code in (
        (OSError(28, "No space left"), "disk_full"),
        (PermissionError(13, "Permission denied"), "no_permission"),
        (OSError(30, "Read-only"), "no_permission"),
        (OSError(5, "I/O error"), "engine_io"),
    ):
        with pytest.raises(AssentError) as caught, explained(tmp_path):
            raise error
        assert caught.value.code == code


def test_settings_follow_the_machine() -> None:
    large = tuned(64 * GB, 1000 * GB)
    assert (large["shared_buffers"], large["max_wal_size"]) == ("1024MB", "8192MB")
    small = tuned(GB // 2, 10 * GB)
    assert (small["shared_buffers"], small["max_wal_size"]) == ("128MB", "512MB")


def test_values_are_quoted_for_the_file() -> None:
    assert quoted("it's \\") == "'it''s \\\\'"


def test_paths_that_a_socket_cannot_have() -> None:
    assert fits(Path("/" + "x" * 92))
    assert not fits(Path("/" + "x" * 93))
    assert not fits(Path("/" + "很" * 40))
    assert not fits(Path("/a,b"))
    assert not fits(Path("/a'b"))


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "l"), FileLock(tmp_path / "l")
    assert one.take()
    assert not other.take()
    one.drop()
    assert other.take()
    other.drop()


def test_pid_files_half_written(tmp_path: Path) -> None:
    assert PidFile.read(tmp_path) is None
    for text in ("", "12\n", "12\n/x\n3\n", "x\n/x\n3\n5432\n/s\n"):
        (tmp_path / "postmaster.pid").write_text(text)
        assert PidFile.read(tmp_path) is None
    (tmp_path / "postmaster.pid").write_text("12\n/x\n3\n5432\n/s\n\n1 2\nstarting\n")
    assert PidFile.read(tmp_path) == PidFile(12, 5432, "/s", ready=False)


def test_where_data_lives_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    user = current()
    if user.dropped:
        assert default_area(user) == Path("/var/lib/assent/postgresql")
        return
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert default_area(user) == Path("/somewhere/assent/postgresql")
