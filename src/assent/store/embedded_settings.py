"""The embedded PostgreSQL's configuration, scaled to the machine. Measured in bench/README.md."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_MB: Final = 1024 * 1024
_GB: Final = 1024 * _MB

# On the command line, so that no file and no ALTER SYSTEM turns them: accepted means durable.
FIXED: Final[Mapping[str, str]] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
}

# Only local connections exist, and each proves the password.
HBA: Final = """\
# Written by assent at every start.
local all all scram-sha-256
local replication all scram-sha-256
"""


def memory_bytes() -> int:
    """Return the memory we may count on: the machine's, or our control group's if smaller."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def disk_bytes(directory: Path) -> int:
    """Return the size of the disk that holds `directory`."""
    return shutil.disk_usage(directory).total


def tuned(memory: int, disk: int) -> dict[str, str]:
    """Return the settings for a machine with `memory` bytes and a disk of `disk` bytes.

    1 GB of shared buffers and 8 GB of WAL between checkpoints where there is plenty; a quarter of
    the memory and a twentieth of the disk where there is not.
    """
    buffers = min(_GB, memory // 4)
    wal = min(8 * _GB, disk // 20)
    return {
        "shared_buffers": _megabytes(buffers, 16),
        "effective_cache_size": _megabytes(memory // 2, 64),
        "maintenance_work_mem": _megabytes(min(256 * _MB, memory // 16), 16),
        "work_mem": _megabytes(min(16 * _MB, memory // 256), 1),
        "max_wal_size": _megabytes(wal, 128),
        "min_wal_size": _megabytes(wal // 8, 64),
        "wal_buffers": "16MB" if buffers >= 256 * _MB else "-1",
        "wal_compression": "on",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "max_connections": "100",
        "max_locks_per_transaction": "256",
        "random_page_cost": "1.1",
        "jit": "off",
        # Columnar rows are few and large, most of them appended: look at inserts often.
        "autovacuum": "on",
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
        "autovacuum_vacuum_insert_scale_factor": "0.1",
        "autovacuum_vacuum_cost_limit": "1000",
        # A client that died in a long statement must give its locks back.
        "client_connection_check_interval": "1s",
        "password_encryption": "scram-sha-256",
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "datestyle": "iso, ymd",
        "log_line_prefix": "%m [%p] ",
        # Errors of statements go to their client. In the log they could quote a row, and a row
        # may hold a phone number; LOG, FATAL and PANIC do not.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
        "log_autovacuum_min_duration": "-1",
    }


def render(settings: Mapping[str, str]) -> str:
    """Return the text of postgresql.conf."""
    lines = [
        "# Written by assent at every start. Put settings of your own into local.conf beside it;",
        "# " + ", ".join(FIXED) + " cannot be changed.",
        *(f"{name} = {quoted(value)}" for name, value in settings.items()),
        "include_if_exists 'local.conf'",
    ]
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Quote a value for postgresql.conf."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _megabytes(size: int, least: int) -> str:
    return f"{max(size // _MB, least)}MB"
