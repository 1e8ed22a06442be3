"""Keywords of ports, files of refusals, unclear replies, as methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from assent.client.calls import Call, Upload

Result = TypeVar("Result")
_JSON = {"content-type": "application/json"}


class DoorApi(ABC, Generic[Result]):
    """What receivers answer beside refusing, and how refusals come in beside answers."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def port_keywords(self, number: str) -> Result:
        """Return the words that receivers may answer to a port with."""
        return self._do(Call("GET", f"/v1/ports/{quote(number, safe='')}/keywords"))

    def file_port_keywords(self, number: str, *, sender: str, keywords: Sequence[str]) -> Result:
        """File a port's keywords in place of those before; none end them."""
        body = msgspec.json.encode({"sender": sender, "keywords": list(keywords)})
        path = f"/v1/ports/{quote(number, safe='')}/keywords"
        return self._do(Call("PUT", path, {}, _JSON, body))

    def import_refusal_file(
        self,
        file: str | Path | bytes,
        *,
        origin: str,
        source: str,
        dated: str,
        sender: str | None = None,
        port: str | None = None,
        everybody: bool = False,
    ) -> Result:
        """Take a file of a regulator or carrier (staff): CSV or XLSX. What its rows refuse where
        they do not say: a `sender` (name or credit code), a `port`, or `everybody`."""
        content: Any = file if isinstance(file, bytes) else Path(file)
        name = "refusals" if isinstance(file, bytes) else Path(file).name
        fields = {"origin": origin, "source": source, "dated": dated}
        fields |= {k: v for k, v in (("sender", sender), ("port", port)) if v is not None}
        if everybody:
            fields["everybody"] = "true"
        return self._do(Call("POST", "/v1/desk/refusals", upload=Upload(content, name, fields)))

    def refusal_files(self) -> Result:
        """Return the files that were taken (staff)."""
        return self._do(Call("GET", "/v1/desk/refusals"))

    def unclear_replies(self, cursor: int = 0, limit: int = 100) -> Result:
        """Return unclear replies that nobody has read (staff)."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(Call("GET", "/v1/desk/replies", query))

    def read_reply(self, reply: str | int, reading: str) -> Result:
        """Say what an unclear reply is (staff): refusal, refusal_all or nothing."""
        body = msgspec.json.encode({"reading": reading})
        return self._do(Call("POST", f"/v1/desk/replies/{quote(str(reply))}", {}, _JSON, body))
