"""The Python SDK: every way in of the HTTP API as a method, for plain and for async code.

::

    with Client("http://127.0.0.1:8000", key) as client:
        order = client.send(
            sender="91110000600037341L", purpose="verification",
            messages=[{"to": "13800138000", "variables": {"code": "4711"}}],
            text="验证码{code}，5分钟内有效。",
        )

    async with AsyncClient(url, key) as client:
        print(await client.balance())

Both classes share :class:`Api` (api.py), which builds requests and reads answers and does no I/O;
they differ only in how a :class:`Call` travels. Answers are the JSON objects of
docs/http-api.md as dicts. Errors are those of :mod:`assent.errors`, with the server's `code`,
`field`, `rule` and `mend`; a server that cannot be reached is `Unavailable`.

Every call that sends, charges or records something carries an idempotency key, one of its own
if you give none. So a call whose answer was lost is repeated here (`tries` times in all) and
still done once.
"""

from __future__ import annotations

from assent.client.calls import Answer
from assent.client.transport import DEFAULT_URL, AsyncClient, Client

__all__ = ["DEFAULT_URL", "Answer", "AsyncClient", "Client"]
