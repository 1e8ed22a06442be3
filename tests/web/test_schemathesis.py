"""Whatever a client can write, the server does not fail: schemathesis, against the real platform.

The small form runs in CI. `ASSENT_SCHEMATHESIS_EXAMPLES=500` makes the long one.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.web.whole import Whole, whole

EXAMPLES = int(os.environ.get("ASSENT_SCHEMATHESIS_EXAMPLES", "4"))
ANSWER_S = 30.0


class Walk:
    """Calls every operation with made-up requests, as each kind of caller."""

    def __init__(self, site: Whole, loop: asyncio.AbstractEventLoop, document: dict[str, Any]):
        self.site = site
        self.loop = loop
        self.schema = schemathesis.openapi.from_dict(document)
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.http = requests.Session()
        first, staff = self.wait(site.key("account1")), self.wait(site.key("operator"))
        # Sessions anew each time: some of the routes end them.
        self.credentials: Iterator[Callable[[], str]] = cycle([
            lambda: str(first),
            lambda: str(self.wait(site.session("account1"))),
            lambda: str(staff),
            lambda: str(self.wait(site.session("operator"))),
        ])  # fmt: skip

    def wait(self, todo: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(todo, self.loop).result(60)

    def run(self) -> None:
        for result in self.schema.get_all_operations():
            operation = result.ok()
            self.wait(self.site.platform.sql("DELETE FROM throttle"))
            self.try_one(operation)
        self.http.close()

    def try_one(self, operation: Any) -> None:
        @seed(4)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def attempt(case: Any) -> None:
            case.headers = {
                **(case.headers or {}),
                "Authorization": f"Bearer {next(self.credentials)()}",
            }
            response = case.call(
                base_url=self.site.url, session=self.http, timeout=ANSWER_S, headers=case.headers
            )
            self.statuses[response.status_code] += 1
            if response.status_code >= 500:
                said = f"{case.method} {case.formatted_path} {response.status_code}"
                self.failures.append(f"{said} {response.text[:300]} {case.body!r:.300}")

        attempt()


@pytest.mark.timeout(120 + 10 * EXAMPLES)
async def test_no_request_makes_the_server_fail(migrated_url: str, tmp_path: Path) -> None:
    async with whole(migrated_url, tmp_path) as site:
        document = await site.document()
        # Metrics are for this machine, and big; uploads are tried with files elsewhere.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            walk = await asyncio.to_thread(Walk, site, asyncio.get_running_loop(), document)
            await asyncio.to_thread(walk.run)
        assert not walk.failures, "\n".join(walk.failures[:20])
        assert sum(walk.statuses.values()) > 100
        assert walk.statuses[200] + walk.statuses[201] + walk.statuses[202] > 20, walk.statuses
        assert walk.statuses[422] > 20, walk.statuses
        assert not site.platform.node.lost.is_set()
