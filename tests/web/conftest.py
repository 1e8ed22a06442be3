"""Fixtures: a running server, see site.py."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.web.site import Running, running


@pytest.fixture
async def site() -> AsyncIterator[Running]:
    """A server with the default settings."""
    async with running() as site:
        yield site
