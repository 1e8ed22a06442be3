"""The step between us and `postgres`: drop privileges, tie its life to ours, become it.

Run as a script by `embedded.py` (python -I -S embedded_child.py PARENT UID GID POSTGRES ARG...),
never imported. A step of its own, because code between fork and exec of a threaded process may
deadlock, and because the interpreter may lie where the engine's user cannot execute it.

UID and GID are -1 to stay who we are. When the parent ends in whatever way, Linux sends postgres
SIGINT: fast shutdown, with a checkpoint. Elsewhere the next start ends an orphan first.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become postgres."""
    parent, uid, gid = (int(argument) for argument in sys.argv[1:4])
    program = sys.argv[4]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After setuid, which clears it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the process that started this is gone")
    os.execv(program, [program, *sys.argv[5:]])  # noqa: S606 - the arguments are embedded.py's


if __name__ == "__main__":
    main()
