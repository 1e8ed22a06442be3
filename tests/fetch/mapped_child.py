"""The fetcher process of tests: the real one, with a resolver and a connector that map a world."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path

from assent.fetch.child import main
from tests.fetch.sites import Names, Places


class FileNames(Names):
    def __init__(self, file: Path) -> None:
        super().__init__({})
        self._file = file

    async def resolve(self, host: str) -> list[str]:
        if host == "crash.example.com":
            os.kill(os.getpid(), signal.SIGSEGV)
        if host == "hang.example.com":
            os.kill(os.getpid(), signal.SIGSTOP)
        self.names = json.loads(self._file.read_text())["names"]
        return await super().resolve(host)


class FilePlaces(Places):
    def __init__(self, file: Path) -> None:
        super().__init__({})
        self._file = file

    async def connect(
        self, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        places = json.loads(self._file.read_text())["places"]
        self.places = {(one, its): local for one, its, local in places}
        return await super().connect(address, port)


if __name__ == "__main__":
    trust = None
    if sys.argv[2]:
        trust = ssl.create_default_context()
        trust.load_verify_locations(sys.argv[2])
    file = Path(sys.argv[1])
    main(FileNames(file), FilePlaces(file), trust)
