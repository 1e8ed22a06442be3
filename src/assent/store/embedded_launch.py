"""Making a data directory, writing its configuration, starting the server on it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from assent.errors import AssentError
from assent.store import embedded_area, embedded_install, embedded_settings
from assent.store.embedded_area import Area, FileLock
from assent.store.embedded_process import Engine

USER: Final = "assent"
_LARGEST_LOG: Final = 10_000_000

# Words of PostgreSQL's own programs → what we say. Looked for in this order.
_SYMPTOMS: Final = (
    (
        "Cannot allocate memory",
        "engine_memory",
        "free memory, or less shared_buffers in local.conf",
    ),
    ("Permission denied", "no_permission", "give the engine's user its files back"),
    ("incompatible with server", "engine_version", "use the version that made the directory"),
    ("unrecognized configuration parameter", "engine_setting", "correct local.conf"),
    ("configuration file", "engine_setting", "correct local.conf"),
)


def initialise(engine: Engine) -> None:
    """Run initdb beside the place and move the result there: it is there whole or not at all."""
    area, user = engine.area, engine.user
    fresh = area.root / "cluster.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    user.give(fresh)
    password = secrets.token_urlsafe(32)
    embedded_area.write_private(area.password, password)
    handed = area.root / "password.initdb"
    embedded_area.write_private(handed, password)
    user.give(handed)
    arguments = [f"--pgdata={fresh}", f"--username={USER}", f"--pwfile={handed}"]
    arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums"]
    try:
        done = subprocess.run(
            [engine.installation.initdb, *arguments],
            cwd="/",
            env=embedded_install.environment(engine.installation),
            capture_output=True,
            text=True,
            errors="replace",
            **user.credentials(),
        )
    finally:
        handed.unlink()
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise diagnosis(area, "initdb", done.stdout + done.stderr)
    fresh.rename(area.cluster)
    directory = os.open(area.root, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def configure(area: Area, settings: Mapping[str, str]) -> None:
    tuned = embedded_settings.tuned(
        embedded_settings.memory_bytes(), embedded_settings.disk_bytes(area.root)
    )
    text = embedded_settings.render({**tuned, **settings})
    embedded_area.write_private(area.root / "postgresql.conf", text, mode=0o644)
    embedded_area.write_private(area.root / "pg_hba.conf", embedded_settings.HBA, mode=0o644)


def open_log(area: Area) -> int:
    """Put a log that has grown aside; return where this start's words begin."""
    size = area.log.stat().st_size if area.log.exists() else 0
    if size > _LARGEST_LOG:
        area.log.replace(area.log.with_name("postgres.log.1"))
        return 0
    return size


def spawn(engine: Engine, socket: Path, running: FileLock) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own, so that Ctrl-C is ours to handle."""
    area, user = engine.area, engine.user
    fixed = {
        **embedded_settings.FIXED,
        "config_file": str(area.root / "postgresql.conf"),
        "hba_file": str(area.root / "pg_hba.conf"),
        "unix_socket_directories": f'"{socket}"',
        "port": str(embedded_area.PORT),
    }
    options = [part for name, value in fixed.items() for part in ("-c", f"{name}={value}")]
    ids = [str(user.uid), str(user.gid)] if user.dropped else ["-1", "-1"]
    step = Path(embedded_area.__file__).with_name("embedded_child.py")
    before = [sys.executable, "-I", "-S", str(step), str(os.getpid()), *ids]
    log = os.open(area.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(
            [*before, str(engine.installation.postgres), "-D", str(area.cluster), *options],
            cwd="/",
            env=embedded_install.environment(engine.installation),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(running.fd,),
            start_new_session=True,
        )
    finally:
        os.close(log)


def password_of(area: Area) -> str:
    try:
        return area.password.read_text().strip()
    except FileNotFoundError:
        raise wrong_password(area) from None


def wrong_password(area: Area) -> AssentError:
    return AssentError(
        "engine_password",
        f"{area.password} is missing or not the one that the database was made with",
        mend="put the file back from the backup of the data directory",
    )


def diagnosis(area: Area, program: str, said: str) -> AssentError:
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return embedded_area.disk_full(area.root)
    last = " / ".join(said.strip().splitlines()[-4:])[-600:]
    for words, code, mend in _SYMPTOMS:
        if words in said:
            return AssentError(code, f"{program} could not start: {last}", mend=mend)
    return AssentError(
        "engine_failed", f"{program} ended: {last}", mend=f"read {area.log} and the words above"
    )
