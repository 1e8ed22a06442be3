"""The directory of the embedded PostgreSQL: what lies where, who may read it, who holds it.

::

    AREA/                0711 root's (only the way through), or 0700 an ordinary user's
      cluster/           0700 PostgreSQL's own data directory
      password           0600 of our user
      postgresql.conf pg_hba.conf   written at every start; local.conf is the operator's
      postgres.log       0600 what the server says
      socket/            0700 the Unix socket, unless the path is too long for one
      socket-directory   where the socket is, if not in socket/
      engine/            a copy of the programs, only where their own place is closed
      lock/start         held while somebody starts
      lock/owner         held by the process that will stop the server
      lock/running       held by the server's processes themselves, by inheritance

Everything root writes lies in a directory of root's, so the engine's user cannot lead it astray.
Nothing that we did not make changes its owner or mode.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assent.errors import AssentError, Unavailable
from assent.store.embedded_user import EngineUser

PORT: Final = 5432
LONGEST_SOCKET_PATH: Final = 107  # sun_path holds 108 bytes with the final zero
_OURS: Final = frozenset({"cluster", "cluster.new", "lock", "lost+found", "vault.keys"})


@dataclass(frozen=True, slots=True)
class Area:
    """The paths, by name."""

    root: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "cluster"

    @property
    def password(self) -> Path:
        """The password of the database user."""
        return self.root / "password"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.root / "postgres.log"

    @property
    def socket_record(self) -> Path:
        """A file that names the socket's directory where it is elsewhere."""
        return self.root / "socket-directory"

    def lock(self, name: str) -> FileLock:
        """Return the lock `name` (start, owner, running), not taken yet."""
        return FileLock(self.root / "lock" / name)


class FileLock:
    """An exclusive flock. It goes with its last holder: a killed process leaves none behind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def take(self) -> bool:
        """Try to take it; never waits."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    @property
    def fd(self) -> int:
        """The descriptor to hand to a child, which then holds the lock too."""
        assert self._fd is not None, "take the lock first"
        return self._fd

    def drop(self) -> None:
        """Let go of it on our side. May be repeated."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


@dataclass(frozen=True, slots=True)
class PidFile:
    """What `postmaster.pid` says: PostgreSQL's source, miscadmin.h, LOCK_FILE_LINE_*."""

    pid: int
    port: int
    socket_directory: str
    ready: bool

    @classmethod
    def read(cls, cluster: Path) -> PidFile | None:
        """Return None where there is none, or only its beginning is written yet."""
        try:
            lines = (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 5 or not lines[0].isdigit() or not lines[3].isdigit():
            return None
        ready = len(lines) >= 8 and lines[7].strip() == "ready"
        return cls(int(lines[0]), int(lines[3]), lines[4], ready)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into ours, with the mend."""
    try:
        yield
    except OSError as error:
        raise _explain(error, path) from error


def prepare(root: Path, user: EngineUser) -> Area:
    """Make the area where it is absent, and check that it is ours and can be reached.

    Raises AssentError: `no_permission`, `disk_full`, `engine_directory` (holds other things).
    """
    with explained(root):
        area = Area(Path(os.path.realpath(root)))
        if not area.root.is_dir():
            _make_way(area.root.parent)
            _make(area.root, 0o711 if user.dropped else 0o700)
        names = set(os.listdir(area.root))  # noqa: PTH208 - names are what is compared
        if names and not names & _OURS:
            raise AssentError(
                "engine_directory",
                f"{area.root} holds other files; the embedded PostgreSQL needs a directory"
                " of its own",
                mend="name a new or an empty directory",
            )
        _check_reach(area.root, user)
        locks = area.root / "lock"
        if not locks.is_dir():
            locks.mkdir(mode=0o700, exist_ok=True)
    return area


def write_private(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut."""
    fd, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def socket_directory(area: Area, user: EngineUser) -> Path:
    """Return the directory for the socket, made if need be: in the area, or a short one."""
    near = area.root / "socket"
    if fits(near):
        if not near.is_dir():
            _make(near, 0o700)
            user.give(near)
        return near
    recorded = _recorded(area)
    if recorded is not None and _private(recorded, user):
        return recorded
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = runtime.startswith("/") and not user.dropped and os.access(runtime, os.W_OK)
    base = Path(runtime) if usable and len(runtime) < 60 else Path("/tmp")  # noqa: S108
    made = Path(tempfile.mkdtemp(prefix="assent-", dir=base))
    user.give(made)
    write_private(area.socket_record, f"{made}\n")
    return made


def remove_short_socket_directory(area: Area) -> None:
    """Remove what `socket_directory` made outside the area, if it did."""
    recorded = _recorded(area)
    if recorded is not None:
        shutil.rmtree(recorded, ignore_errors=True)
        area.socket_record.unlink(missing_ok=True)


def fits(directory: Path) -> bool:
    """Tell whether a socket in `directory` can have a name, and a URL and a list can hold it."""
    path = str(directory / f".s.PGSQL.{PORT}")
    plain = not set(path) & set(",\"'\\\n\r")
    return plain and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def _recorded(area: Area) -> Path | None:
    try:
        return Path(area.socket_record.read_text().strip())
    except OSError:
        return None


def _private(directory: Path, user: EngineUser) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == user.uid
        and stat.S_IMODE(found.st_mode) == 0o700
    )


def _make(directory: Path, mode: int) -> None:
    directory.mkdir(mode=mode)
    directory.chmod(mode)  # mkdir's mode is cut by the umask


def _make_way(directory: Path) -> None:
    """Make missing parents as they usually are: open to pass through."""
    if not directory.is_dir():
        _make_way(directory.parent)
        _make(directory, 0o755)


def _check_reach(directory: Path, user: EngineUser) -> None:
    if not user.dropped:
        return
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", directory],
        cwd="/",
        capture_output=True,
        **user.credentials(),
    )
    if done.returncode != 0:
        raise AssentError(
            "no_permission",
            f"as root PostgreSQL runs as user {user.name}, who cannot enter {directory}",
            mend="leave the default (/var/lib/assent), name a directory that everyone may pass"
            " through to, or run assent as the directory's owner",
        )


def _explain(error: OSError, path: Path) -> AssentError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return AssentError(
            "no_permission",
            f"{error.filename or path}: {error.strerror}",
            mend=f"run assent as the owner of {path}, or name another data directory",
        )
    return AssentError(
        "engine_io", f"{error.filename or path}: {error.strerror}", mend="check the disk"
    )


def disk_full(path: Path) -> Unavailable:
    """Return the error for a disk without room for the database."""
    return Unavailable(
        "disk_full",
        f"the disk of {path} is full",
        mend="free at least 1 GB there, or name a data directory on another disk",
    )
