"""Codes before everything else on the machine, where the operator wants it and the system may.

A code is a dozen short turns between the front process, its database connections and the links.
On a busy machine each turn waits for whoever has the core, for up to a scheduler's tick of
milliseconds; niceness shares cores out but does not shorten that wait. A real-time policy does:
who becomes runnable runs (sched(7)). What campaigns do stays under the usual policy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import structlog

from assent.store.driver import Connection

_PRIORITY: Final = 1  # the least: whatever else is real-time on the machine goes first
_PROCESSES: Final = Path("/proc")
log = structlog.get_logger("assent")


class Realtime:
    """Puts this process, and the PostgreSQL processes that serve it, under SCHED_RR.

    What the kernel refuses (it takes CAP_SYS_NICE, or RLIMIT_RTPRIO of 1 or more for all processes
    of `assent serve`) is logged once and left as it is.
    """

    def __init__(self) -> None:
        self.refused = False

    def take(self) -> None:
        """Put this process's main thread under the policy. What it starts later is not."""
        self._put(0)

    async def take_backend(self, connection: Connection) -> None:
        """Put the PostgreSQL process that serves a connection under the policy, if it is one of
        this machine: what else has its number (the server may live elsewhere) is left alone."""
        pid = connection.get_server_pid()
        try:
            name = (_PROCESSES / str(pid) / "comm").read_text().strip()
        except OSError:
            return
        if name == "postgres":
            self._put(pid)

    def _put(self, pid: int) -> None:
        if self.refused:
            return
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        try:
            os.sched_setscheduler(pid, policy, os.sched_param(_PRIORITY))
        except OSError as error:
            self.refused = True
            log.warning(
                "realtime_refused",
                reason=error.strerror,
                mend="give the service CAP_SYS_NICE or LimitRTPRIO=1, or turn realtime_codes off",
            )
