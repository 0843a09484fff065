# SPDX-License-Identifier: Apache-2.0
"""The ASGI application: from a socket's bytes to a call of the service, and back.

Invariant: every request gets an answer in its API's own shape; whatever is not foreseen is
logged with the request's id and answered 500 in that shape too.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from deuteron.api.query import Pairs, parse_pairs
from deuteron.api.routes import Node, Routes
from deuteron.auth.caller import Caller
from deuteron.declare.resource import NEUTRON, Dialect
from deuteron.errors import (
    MALFORMED,
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
)

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
MAX_BODY: Final = 16 * 2**20
Headers = list[tuple[bytes, bytes]]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Authenticate = Callable[[dict[bytes, bytes]], Caller]


@dataclass(slots=True)
class Request:
    """One request, decoded as far as every handler needs it. `values` are the path's variables."""

    caller: Caller
    method: str
    path: str
    values: list[str]
    pairs: Pairs
    headers: dict[bytes, bytes]
    raw: bytes
    base_url: str

    def json(self) -> Any:
        """The decoded body, None if there is none. Raises 400 for what is not a JSON object."""
        if not self.raw:
            return None
        try:
            body = _decode(self.raw)
        except UnicodeDecodeError:
            raise BadRequest("HTTPBadRequest", MALFORMED) from None
        except (msgspec.DecodeError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise BadRequest("HTTPBadRequest", "Body contains invalid data")
        return body


@dataclass(slots=True)
class Answer:
    """What a handler returns: `body` is encoded as JSON unless it is bytes or None."""

    body: Any = None
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


class App:
    """The API over a route table. `dialect_of` says how errors under a path look."""

    def __init__(
        self,
        routes: Routes,
        authenticate: Authenticate,
        threads: int = 8,
        dialect_of: Callable[[str], Dialect] = lambda _path: NEUTRON,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.routes = routes
        self.authenticate = authenticate
        self.dialect_of = dialect_of
        self._closed = closed
        self._threads = ThreadPoolExecutor(threads, "request")

    def close(self) -> None:
        """Let requests under way finish, take no more, and let go of what they used."""
        self._threads.shutdown()
        self._closed()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        raw = await _body(receive)
        loop = asyncio.get_running_loop()
        status, headers, body = await loop.run_in_executor(self._threads, self.answer, scope, raw)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def answer(self, scope: Scope, raw: bytes | None) -> tuple[int, Headers, bytes]:
        """Status, headers and body for a request. Never raises."""
        request_id = f"req-{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}"
        try:
            answer = self._handle(scope, raw)
        except ApiError as error:
            answer = self._error(scope, error)
        except Exception:
            log.exception("%s %s failed (%s)", scope["method"], scope["path"], request_id)
            message = "Request Failed: internal server error while processing your request."
            answer = self._error(scope, ApiError("HTTPInternalServerError", message))
        body = answer.body
        content = b"" if body is None else body if isinstance(body, bytes) else _encode(body)
        headers: Headers = [(b"x-openstack-request-id", request_id.encode()), *answer.headers]
        if answer.status != 204:
            headers.append((b"content-length", str(len(content)).encode()))
        if content:
            headers.append((b"content-type", b"application/json"))
        return answer.status, headers, b"" if scope["method"] == "HEAD" else content

    def _handle(self, scope: Scope, raw: bytes | None) -> Answer:
        path, method = scope["path"], scope["method"]
        node: Node | None = self.routes.exact.get(path)
        values: list[str] = []
        if node is None:
            node, values = self.routes.find(path.removesuffix(".json"))
        if node is None or not node.methods or "\x00" in path:
            raise NotFound("HTTPNotFound", "The resource could not be found.")
        handler = node.methods.get(method)
        if handler is None:
            if method == "OPTIONS":
                return Answer(None, 200, ((b"allow", ", ".join(sorted(node.methods)).encode()),))
            raise _NotAllowed(sorted(node.methods))
        if raw is None:
            raise BadRequest("HTTPBadRequest", f"The body is larger than {MAX_BODY} bytes.")
        headers = dict(scope["headers"])
        _acceptable(headers.get(b"accept", b"*/*"))
        request = Request(
            caller=self.authenticate(headers),
            method=method,
            path=path,
            values=values,
            pairs=parse_pairs(scope["query_string"]) if scope["query_string"] else [],
            headers=headers,
            raw=raw,
            base_url=_base_url(scope, headers),
        )
        found: Answer = handler(request)
        return found

    def _error(self, scope: Scope, error: ApiError) -> Answer:
        dialect = self.dialect_of(scope["path"])
        body = dialect.render(error.type, error.message, error.detail, error.status)
        allowed = getattr(error, "allowed", None)
        headers = ((b"allow", ", ".join(allowed).encode()),) if allowed else ()
        return Answer(body, error.status, headers)


def _base_url(scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Scheme and host as the client sees them, also behind a proxy that ends TLS."""
    host = headers.get(b"host", b"localhost").decode("latin-1")
    forwarded = headers.get(b"x-forwarded-proto", b"").decode("latin-1")
    return f"{forwarded or scope.get('scheme', 'http')}://{host}"


class _NotAllowed(MethodNotAllowed):
    def __init__(self, allowed: list[str]) -> None:
        super().__init__("HTTPMethodNotAllowed", MALFORMED)
        self.allowed = allowed


def _acceptable(accept: bytes) -> None:
    """Refuse a client that names media types of which none is JSON, as upstream does."""
    if b"*/*" in accept or b"json" in accept or b"application/*" in accept or b"/" not in accept:
        return
    raise NotAcceptable("HTTPNotAcceptable", MALFORMED)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if it is too large."""
    message = await receive()
    body: bytes = message.get("body", b"")
    size = len(body)
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY:
            parts.append(part)
    return b"".join(parts) if size <= MAX_BODY else None


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
