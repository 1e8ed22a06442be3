"""The server's processes, seen from outside: which of them live, and ending what is left over."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from assent.store.embedded_area import Area, PidFile
from assent.store.embedded_install import Installation
from assent.store.embedded_user import EngineUser

_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Engine:
    """What a start works with: where, as whom, with which programs."""

    area: Area
    user: EngineUser
    installation: Installation


def postmaster(engine: Engine) -> int | None:
    """Return the pid in postmaster.pid if a server of this directory may be alive under it."""
    pid_file = PidFile.read(engine.area.cluster)
    if pid_file is None or not _may_work_here(engine, pid_file.pid):
        return None
    return pid_file.pid


def interrupt_postmaster(engine: Engine) -> None:
    """Ask the server for a fast shutdown; asking again changes nothing."""
    pid = postmaster(engine)
    if pid is not None:
        os.kill(pid, signal.SIGINT)


def end_leftovers(engine: Engine) -> None:
    """End server processes that outlived their postmaster in a long statement."""
    for process in _PROCESSES.glob("[0-9]*"):
        if _works_here(engine, int(process.name)):
            os.kill(int(process.name), signal.SIGQUIT)


def remove_stale_pid_file(engine: Engine) -> None:
    """Remove a postmaster.pid whose number is a stranger's by now. The caller holds the locks.

    PostgreSQL itself would take any living process of the same user for a server.
    """
    pid_file = PidFile.read(engine.area.cluster)
    if pid_file is not None and _alive(pid_file.pid) and not _may_work_here(engine, pid_file.pid):
        (engine.area.cluster / "postmaster.pid").unlink()


def _works_here(engine: Engine, pid: int) -> bool | None:
    """Tell whether `pid` is the engine user's and works in the cluster; None: cannot be seen."""
    process = _PROCESSES / str(pid)
    try:
        if process.stat().st_uid != engine.user.uid:
            return False
        return (process / "cwd").readlink() == engine.area.cluster
    except PermissionError:
        return None  # root in a container without CAP_SYS_PTRACE
    except OSError:
        return False


def _may_work_here(engine: Engine, pid: int) -> bool:
    """Tell whether `pid` may be a server of the cluster, in doubt yes."""
    if not (_PROCESSES / "self").exists():
        return _alive(pid)  # no /proc on this system
    sure = _works_here(engine, pid)
    if sure is not None:
        return sure
    try:
        return (_PROCESSES / str(pid) / "comm").read_text().strip() == "postgres"
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
