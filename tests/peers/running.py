"""A peer as a process: it is told what to do and tells what it hears, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Self

from tests.carrier.conftest import until
from tests.peers.installed import node_modules

PATIENCE_S = 15.0
SCRIPT = Path(__file__).with_name("node_smpp.js")


class Peer:
    """Made by `start`, ended by `stop`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.heard: list[dict[str, Any]] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, *command: str, **environment: str) -> Self:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | environment,
        )
        return cls(process)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.heard.append(json.loads(line))

    async def tell(self, do: str, **more: Any) -> None:
        """Have it do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
        await self.process.stdin.drain()

    def said(self, event: str, **wanted: Any) -> list[dict[str, Any]]:
        """What it heard of a kind so far, with these values."""
        return [
            one
            for one in self.heard
            if one["event"] == event and all(one.get(key) == wanted[key] for key in wanted)
        ]

    async def hear(self, event: str, count: int = 1, **wanted: Any) -> list[dict[str, Any]]:
        """Wait until it has heard `count` of a kind, with these values; return them."""
        await until(lambda: len(self.said(event, **wanted)) >= count, PATIENCE_S)
        return self.said(event, **wanted)

    async def stop(self) -> None:
        """End it, now."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reader
        assert self.process.stdin is not None
        self.process.stdin.close()


async def node_smpp(*words: str) -> Peer:
    """node_smpp.js: `serve` says on which port it listens, `connect` waits to be told."""
    return await Peer.start("node", str(SCRIPT), *words, NODE_PATH=str(node_modules()))
