"""Which implementations that are not ours are there to be talked to, and why another is not."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
NODE_SMPP: Final = "0.5.1"


def node_modules() -> Path:
    """Where npm put the smpp package."""
    return Path(os.environ.get("ASSENT_TEST_NODE_MODULES") or ROOT / "build/peers/node_modules")


def program(name: str) -> str | None:
    """The path of a program, also of one that only root's path has."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


def _programs(*names: str) -> str | None:
    absent = [name for name in names if program(name) is None]
    return f"there is no {' and no '.join(absent)}" if absent else None


def _node_smpp() -> str | None:
    if absent := _programs("node"):
        return absent
    stated = node_modules() / "smpp/package.json"
    if not stated.exists():
        return f"smpp {NODE_SMPP} of npm is not in {node_modules().parent.name}/node_modules"
    return None


def _smpplib() -> str | None:
    return None if importlib.util.find_spec("smpplib") else "smpplib is not installed"


PEERS: Final[Mapping[str, Callable[[], str | None]]] = {
    "node-smpp": _node_smpp,
    "smpplib": _smpplib,
    "kannel": lambda: _programs("bearerbox", "smsbox"),
    "tshark": lambda: _programs("tshark"),
}
"""Each says what is missing of it, or None."""


@cache
def lacking(peer: str) -> str | None:
    """Why a peer cannot be talked to here, None when it can."""
    reason = PEERS[peer]()
    return None if reason is None else f"peer {peer} is lacking: {reason}"
