"""Where the command line keeps the token of who logged in: a file that only its owner reads."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

from assent.errors import NotAllowed


def place() -> Path:
    """Return the file."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base.startswith("/") else Path.home() / ".config"
    return home / "assent" / "sessions.json"


def kept_token(url: str) -> str:
    """Return the token for a server, '' if there is none. Raises NotAllowed for a file that others
    may read: the token is as good as a password while it lasts."""
    return _read().get(url, "")


def keep_token(url: str, token: str) -> None:
    """Keep the token for a server; an empty one forgets it."""
    kept = _read() | {url: token}
    kept = {name: value for name, value in kept.items() if value}
    path = place()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".sessions-", dir=path.parent)  # mkstemp: 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    Path(name).replace(path)


def _read() -> dict[str, str]:
    path = place()
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    if stat.S_IMODE(mode) & 0o077:
        raise NotAllowed(
            "open_session_file", f"others may read {path}", field="session", status=401,
            rule="cli: settings", mend=f"remove it, and log in again: rm {path}",
        )  # fmt: skip
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
