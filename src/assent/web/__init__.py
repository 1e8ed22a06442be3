"""The HTTP API.

:func:`create_app` makes an ASGI application of what flow offers, :class:`HttpServer` serves it.
docs/http-api.md tells it from the caller's side.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from assent.web.app import create_app
    from assent.web.server import HttpServer, serve_http
    from assent.web.services import Rooms, Services
    from assent.web.settings import WebSettings

__all__ = ["HttpServer", "Rooms", "Services", "WebSettings", "create_app", "serve_http"]

_HOME: Final = {
    "HttpServer": "server",
    "Rooms": "services",
    "Services": "services",
    "WebSettings": "settings",
    "create_app": "app",
    "serve_http": "server",
}


def __getattr__(name: str) -> Any:
    # Looked up when asked for: the process that reads audience files (reading.py) and the
    # command line are of or over this room, and must not load a web server to start.
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(name)
