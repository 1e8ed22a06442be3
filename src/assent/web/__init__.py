"""The HTTP API.

``app.create_app(services, settings)`` makes an ASGI application of what flow offers,
``server.HttpServer`` serves it. docs/http-api.md tells it from the caller's side.

Nothing is imported here: the process that reads audience files (reading.py) is of this room
and must not load a web server.
"""
