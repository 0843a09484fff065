# SPDX-License-Identifier: Apache-2.0
"""The load generator: N clients in one thread, hand-made HTTP/1.1 on uvloop, loopback only.

Owns connections and clocks. Invariant: a response is judged after the clock has stopped, so that
the generator takes as little as possible of the processors it shares with the server.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop

Address = tuple[str, int]
ANSWER_TIMEOUT = 400.0  # seconds one answer may take before the run is given up
SPARE = 1024  # bytes of buffer beyond an answer
SHARED_SIZE = 1 << 16  # bytes from which equal bodies are kept once


@dataclass(frozen=True)
class Request:
    """One request: `body` is JSON text or nothing."""

    method: str
    path: str
    body: bytes = b""

    def encode(self, address: Address) -> bytes:
        """The bytes on the wire."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
        head += "Accept: application/json\r\n"
        if self.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        return head.encode() + b"\r\n" + self.body


@dataclass
class Result:
    """What one run gave: wall clock in seconds; per request a latency in seconds and an answer."""

    seconds: float = 0.0
    processor: float = 0.0  # seconds that the server's workers computed
    # Not in repr(): asyncio's runner takes the repr of its task, which would print every answer.
    latencies: list[float] = field(default_factory=list, repr=False)
    answers: list[tuple[int, bytes]] = field(default_factory=list, repr=False)

    def add(self, other: "Result") -> None:
        """Append another round of the same scenario."""
        self.seconds += other.seconds
        self.processor += other.processor
        self.latencies += other.latencies
        self.answers += other.answers

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, percent: float) -> float:
        """Latency in seconds that `percent` of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class _Connection(asyncio.BufferedProtocol):
    """One client's connection, at most one request in flight; its buffer outlives reconnects.

    Reading into one buffer and sharing equal bodies keeps the generator from touching new memory
    for every listing, which would cost it more than the server's answer costs the kernel.
    """

    def __init__(self, known: dict[int, bytes]) -> None:
        self.transport: asyncio.Transport | None = None
        self._known = known  # the first large body of each length
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._buffer = bytearray(1 << 16)
        self._have = 0
        self._need = 0  # bytes of head and body together, 0 while the head is incomplete
        self._head = 0
        self._status = 0
        self._keep = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by shape only

    def ask(self, raw: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send one request; the future gives (status, body)."""
        assert self.transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._have, self._need = 0, 0
        self.transport.write(raw)
        return self._answer

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return memoryview(self._buffer)[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        self._have += nbytes
        if not self._need:
            self._read_head()
        if self._need and self._have >= self._need:
            self._finish()

    def _read_head(self) -> None:
        end = self._buffer.find(b"\r\n\r\n", 0, self._have)
        if end < 0:
            return
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        self._status = int(lines[0].split(" ", 2)[1])
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        self._keep = headers.get("connection", "").lower() != "close"
        if "content-length" not in headers and self._status != http.HTTPStatus.NO_CONTENT:
            self._fail(RuntimeError(f"no Content-Length in the answer: {lines}"))
            return
        self._head = end + 4
        self._need = self._head + int(headers.get("content-length", 0))
        # uvloop asks for a buffer once more after the last byte and wants one that is not empty.
        room = self._need + SPARE - len(self._buffer)
        if room > 0:
            self._buffer = self._buffer + bytes(room)

    def _finish(self) -> None:
        assert self._answer is not None
        assert self.transport is not None
        transport = self.transport
        if not self._keep:
            self.transport = None
            transport.close()
        if not self._answer.done():
            self._answer.set_result((self._status, self._body()))

    def _body(self) -> bytes:
        size = self._need - self._head
        known = self._known.get(size)
        if known is not None and self._buffer.startswith(known, self._head):
            return known
        body = bytes(memoryview(self._buffer)[self._head : self._need])
        if size > SHARED_SIZE:
            self._known.setdefault(size, body)
        return body

    def _fail(self, error: BaseException) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def connection_lost(self, exc: Exception | None) -> None:
        # After "Connection: close" the next connection may be made before this one is lost.
        if self._keep:
            self.transport = None
            self._fail(exc or ConnectionError("the server closed the connection unasked"))


async def _client(
    address: Address, requests: Iterator[Request], stop: float, out: Result, known: dict[int, bytes]
) -> None:
    loop = asyncio.get_running_loop()
    connection = _Connection(known)
    for request in requests:
        raw = request.encode(address)
        begin = time.perf_counter()
        if begin > stop:
            break
        if connection.transport is None:
            await loop.create_connection(lambda: connection, *address)
        answer = await asyncio.wait_for(connection.ask(raw), ANSWER_TIMEOUT)
        out.latencies.append(time.perf_counter() - begin)
        out.answers.append(answer)
    if connection.transport is not None:
        connection.transport.close()


async def _clients(
    address: Address, requests: Iterator[Request], clients: int, seconds: float
) -> Result:
    out = Result()
    known: dict[int, bytes] = {}
    begin = time.perf_counter()
    stop = begin + seconds
    await asyncio.gather(*(_client(address, requests, stop, out, known) for _ in range(clients)))
    out.seconds = time.perf_counter() - begin
    return out


def run(address: Address, requests: Iterator[Request], clients: int, seconds: float) -> Result:
    """Send `requests` from `clients` clients until they or the seconds are used up."""
    return uvloop.run(_clients(address, requests, clients, seconds))


def call(address: Address, method: str, path: str, body: object = None) -> Any:
    """One request off the clock. Gives the decoded body; raises RuntimeError for status >= 400."""
    raw = json.dumps(body).encode() if body is not None else b""
    result = run(address, iter([Request(method, path, raw)]), 1, 1.0)
    status, text = result.answers[0]
    if status >= http.HTTPStatus.BAD_REQUEST:
        raise RuntimeError(f"{method} {path}: {status} {text[:500]!r}")
    return json.loads(text) if text else None
