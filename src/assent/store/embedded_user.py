"""Whom the embedded PostgreSQL runs as. It refuses root, so root gives it a system user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from assent.errors import AssentError

SYSTEM_USER: Final = "assent"
SYSTEM_HOME: Final = Path("/var/lib/assent")


class Credentials(TypedDict, total=False):
    """Arguments of subprocess.run that drop privileges; empty where there are none to drop."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class EngineUser:
    """The user of PostgreSQL's processes. `dropped` if we are root and it is another."""

    name: str
    uid: int
    gid: int
    dropped: bool

    def credentials(self) -> Credentials:
        """Return what makes subprocess run a program as this user."""
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Give something that we have just made to this user."""
        if self.dropped:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def current() -> EngineUser:
    """Return the user to run PostgreSQL as, making the system user `assent` if we are root.

    Raises AssentError `engine_user` where it cannot be made.
    """
    if os.geteuid() != 0:
        return EngineUser(str(os.geteuid()), os.geteuid(), os.getegid(), dropped=False)
    entry = _entry() or _create()
    if entry.pw_uid == 0:
        raise AssentError(
            "engine_user",
            f"the system user {SYSTEM_USER} is root itself; PostgreSQL refuses that",
            mend=f"make {SYSTEM_USER} an ordinary system user",
        )
    return EngineUser(entry.pw_name, entry.pw_uid, entry.pw_gid, dropped=True)


def default_area(user: EngineUser) -> Path:
    """Return where data lives unless told otherwise."""
    if user.dropped:
        return SYSTEM_HOME / "postgresql"
    base = os.environ.get("XDG_DATA_HOME", "")
    home = Path(base) if base.startswith("/") else Path.home() / ".local" / "share"
    return home / "assent" / "postgresql"


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    commands = (
        ["useradd", "--system", "--user-group", "--no-create-home"],
        ["adduser", "--system", "--group", "--no-create-home"],
    )
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    said = "neither useradd nor adduser is installed"
    for command in commands:
        program = shutil.which(command[0], path=path)
        if program is None:
            continue
        home = ["--home", str(SYSTEM_HOME), "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        done = subprocess.run([program, *command[1:], *home], capture_output=True, text=True)
        # Another process may have made it in the same moment; what counts is that it is there.
        entry = _entry()
        if entry is not None:
            return entry
        said = done.stderr.strip()[-300:] or f"{command[0]} ended with {done.returncode}"
    raise AssentError(
        "engine_user",
        f"the system user {SYSTEM_USER} could not be made: {said}",
        mend=f"make it by hand (useradd --system {SYSTEM_USER}), or run assent as an ordinary user",
    )
