"""What a transport does by itself: nothing is sent twice, and what was not connected was not sent."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from smsbot.core.errors import NoAnswer, NotSent
from smsbot.testing.scripted import Scripted, answers, drips, says, scripted
from smsbot.transport import AiohttpTransport, HttpxTransport, Transport, transport_of_server
from smsbot.transport.base import MAX_ANSWER
from smsbot.transport.kept import KeptTransport


@pytest.fixture(params=[HttpxTransport, AiohttpTransport, KeptTransport])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    made: Transport = request.param()
    yield made
    await made.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_a_kept_connection_that_ends_repeats_nothing(transport: Transport, method: str) -> None:
    """Not even methods that HTTP lets a client repeat: a text would leave twice, and nobody would know."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        if b"/first" in request:
            await answers(200, {})(reader, writer, request)
        else:
            writer.close()

    async with scripted(script) as provider:
        await transport.request(method, provider.url + "/first", headers={}, timeout=2.0)
        with pytest.raises(NoAnswer):
            await transport.request(method, provider.url + "/second", headers={}, timeout=2.0)
        assert len(provider.requests) == 2


@contextmanager
def full() -> Iterator[int]:
    """A port whose queue of connections is full, so that none more is made."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        waiting.append(client)
    try:
        yield server.getsockname()[1]
    finally:
        for each in (*waiting, server):
            each.close()


async def test_what_is_never_connected_was_not_sent_however_short_the_time(transport: Transport) -> None:
    with full() as port, pytest.raises(NotSent):
        await transport.request("POST", f"http://127.0.0.1:{port}/", headers={}, body=b"x", timeout=0.6)


OK = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(b"packed")
GOOD: dict[str, tuple[bytes, int, bytes]] = {
    "length": (OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=1\r\n yo\r\n0\r\n\r\n", 200, b"hi yo"),
    "long": (OK + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000, 200, b"x" * 200_000),
    "until it closes": (OK + b"X: 1\r\n\r\nhi", 200, b"hi"),
    "HTTP/1.0": (b"HTTP/1.0 201 Created\r\n\r\nhi", 201, b"hi"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "an error": (b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n", 503, b""),
    "later": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi"),
    "packed": (OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED, 200, b"packed"),
    "a redirect": (b"HTTP/1.1 302 X\r\nLocation: /else\r\nContent-Length: 2\r\n\r\nhi", 302, b"hi"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_answers_of_every_shape(transport: Transport, name: str) -> None:
    data, status, body = GOOD[name]
    async with scripted(says(data)) as provider:
        found = await transport.request("POST", provider.url, headers={}, body=b"x", timeout=2.0)
        assert (found.status, found.body) == (status, body)
        assert len(provider.requests) == 1


@pytest.mark.parametrize("name", ["length", "chunks", "later", "packed"])
async def test_an_answer_that_comes_byte_by_byte(transport: Transport, name: str) -> None:
    data, status, body = GOOD[name]

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        for n in range(len(data)):
            writer.write(data[n : n + 1])
            await writer.drain()
            await asyncio.sleep(0)

    async with scripted(script) as provider:
        for _ in range(2):
            found = await transport.request("POST", provider.url, headers={}, timeout=4.0)
            assert (found.status, found.body) == (status, body)


BAD: dict[str, bytes] = {
    "nothing at all": b"",
    "no HTTP": b"SMTP ready\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": OK + b"Content-Length: 10\r\n\r\nhi",
    "half a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhi",
    "a chunk without a size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
    "too much": OK + b"Content-Length: %d\r\n\r\n" % (MAX_ANSWER + 1) + b"x" * (MAX_ANSWER + 1),
    "too much, packed": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 50 * MAX_ANSWER),
    "packed, but not": OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
    "a head without an end": OK + b"X: 1\r\n" * 40_000,
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_answer_may_have_been_sent(transport: Transport, name: str) -> None:
    async with scripted(says(BAD[name])) as provider:
        with pytest.raises(NoAnswer):
            await transport.request("POST", provider.url, headers={}, body=b"x", timeout=3.0)
        assert len(provider.requests) == 1
    async with scripted(answers(200, {})) as provider:  # the transport is as good as before
        assert (await transport.request("POST", provider.url, headers={}, timeout=2.0)).status == 200


@pytest.mark.parametrize("then", ["reset", "hang"])
async def test_a_connection_that_dies_or_hangs(transport: Transport, then: str) -> None:
    async with scripted(says(OK + b"Content-Length: 9\r\n\r\nhi", then=then)) as provider:
        with pytest.raises(NoAnswer):
            await transport.request("POST", provider.url, headers={}, body=b"x", timeout=1.2)


async def test_an_answer_that_drips_has_one_deadline(transport: Transport) -> None:
    async with scripted(drips()) as provider:
        began = asyncio.get_running_loop().time()
        with pytest.raises(NoAnswer):
            await transport.request("POST", provider.url, headers={}, timeout=0.4)
        assert asyncio.get_running_loop().time() - began < 2.0


WRONG: dict[str, tuple[str, str, dict[str, str]]] = {
    "no scheme": ("POST", "example.test/x", {}),
    "another scheme": ("POST", "ftp://example.test/x", {}),
    "a port that is none": ("POST", "http://example.test:99999/x", {}),
    "no host": ("POST", "http:///x", {}),
    "a field with a line of its own": ("POST", "http://127.0.0.1:9/", {"X": "1\r\nY: 2"}),
    "a name with a line of its own": ("POST", "http://127.0.0.1:9/", {"X\r\nY": "1"}),
    "a field with a letter that HTTP has not": ("POST", "http://127.0.0.1:9/", {"X": "zażółć"}),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_request_that_cannot_be_made_was_not_sent_and_quotes_no_key(name: str) -> None:
    method, url, headers = WRONG[name]
    transport = KeptTransport()
    with pytest.raises(NotSent) as told:
        await transport.request(method, url, headers={**headers, "Authorization": "key"}, timeout=1.0)
    assert "key" not in str(told.value)
    await transport.close()


async def test_a_connection_is_kept_for_one_request_at_a_time(transport: Transport) -> None:
    connections = set[int]()
    free = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        connections.add(id(writer))
        if b"/slow" in request:
            await free.wait()
        await answers(200, {"is": request.split()[1].decode()})(reader, writer, request)

    async with scripted(script) as provider:
        for n in range(3):
            found = await transport.request("GET", f"{provider.url}/{n}", headers={}, timeout=2.0)
            assert found.body == b'{"is": "/%d"}' % n
        assert len(connections) == 1
        slow = asyncio.create_task(transport.request("GET", provider.url + "/slow", headers={}, timeout=2.0))
        await asyncio.sleep(0.05)
        assert (
            await transport.request("GET", provider.url + "/fast", headers={}, timeout=2.0)
        ).body == b'{"is": "/fast"}'
        free.set()
        assert (await slow).body == b'{"is": "/slow"}'
        assert len(connections) == 2


@pytest.mark.parametrize("more", [OK + b"Content-Length: 4\r\n\r\nevil", b"evil"])
@pytest.mark.parametrize("later", [True, False])
async def test_what_comes_unasked_is_no_answer_to_the_next_request(more: bytes, later: bool) -> None:
    written = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        own = OK + b"Content-Length: 2\r\n\r\nhi"
        if b"/first" not in request or not later:
            writer.write(own + (more if b"/first" in request else b""))
            written.set()
            return
        writer.write(own)
        await asyncio.sleep(0.02)
        writer.write(more)
        written.set()

    transport = KeptTransport()
    async with scripted(script) as provider:
        with suppress(NoAnswer):  # what ends with the same bytes as other words is no answer
            assert (await transport.request("GET", provider.url + "/first", headers={}, timeout=2.0)).body == b"hi"
        await written.wait()
        await asyncio.sleep(0.05)
        assert (await transport.request("GET", provider.url, headers={}, timeout=2.0)).body == b"hi"
    await transport.close()


async def test_a_request_that_is_given_up_leaves_no_connection_behind(transport: Transport) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        if b"/first" in request:
            await asyncio.sleep(0.2)
        await answers(200, request.split()[1].decode())(reader, writer, request)

    async with scripted(script) as provider:
        first = asyncio.create_task(transport.request("GET", provider.url + "/first", headers={}, timeout=2.0))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await transport.request("GET", provider.url + "/second", headers={}, timeout=2.0)).body == b'"/second"'


async def test_how_a_request_is_written() -> None:
    transport = KeptTransport()
    async with scripted(answers(200, {})) as provider:
        url = f"http://ann:s%20p@127.0.0.1:{provider.port}/a b/ż?text=a%20b&x=ü#part"
        await transport.request("PUT", url, headers={"X-Key": "1", "accept": "text/plain"}, body=b"body", timeout=2.0)
        head, _, body = provider.requests[0].partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "PUT /a%20b/%C5%BC?text=a%20b&x=%C3%BC HTTP/1.1"
        assert sorted(lines[1:]) == [
            "Accept-Encoding: identity", "Authorization: Basic YW5uOnMgcA==", "Content-Length: 4",
            f"Host: 127.0.0.1:{provider.port}", "X-Key: 1", "accept: text/plain",
        ]  # fmt: skip
        assert body == b"body"
    await transport.close()


def test_a_server_without_httptools_sends_through_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(transport_of_server(), KeptTransport)
    monkeypatch.setitem(sys.modules, "smsbot.transport.kept", None)
    assert isinstance(transport_of_server(), AiohttpTransport)


@pytest.mark.needs("nginx")  # where proxies are tested, certificates can be made
async def test_tls_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl is not None
    await asyncio.to_thread(
        subprocess.run,
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    made = Scripted(answers(200, {"is": "secret"}))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=own)
    port = server.sockets[0].getsockname()[1]
    trusting = KeptTransport(verify=ssl.create_default_context(cafile=str(tmp_path / "cert.pem")))
    for _ in range(2):
        found = await trusting.request("POST", f"https://localhost:{port}/", headers={}, body=b"x", timeout=2.0)
        assert found.body == b'{"is": "secret"}'
    careful = KeptTransport()
    with pytest.raises(NotSent, match="certificate"):
        await careful.request("POST", f"https://localhost:{port}/", headers={}, body=b"x", timeout=2.0)
    with pytest.raises(NotSent, match="certificate"):  # another name than the certificate's
        await trusting.request("POST", f"https://127.0.0.1:{port}/", headers={}, body=b"x", timeout=2.0)
    assert len(made.requests) == 2
    for transport in (trusting, careful):
        await transport.close()
    server.close()
    await made.close()


async def test_names_are_looked_up_by_the_loop_and_each_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def look_up(host: str, port: int, **how: object) -> list[object]:
        asked.append(host)
        if host == "hangs.test":
            await asyncio.sleep(60)
        found = {"two.test": ["127.0.0.2", "127.0.0.1"], "none.test": [], "127.0.0.1": [host]}[host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    transport = KeptTransport()
    async with scripted(answers(200, {})) as provider:
        for _ in range(2):
            url = f"http://two.test:{provider.port}/"
            assert (await transport.request("GET", url, headers={}, timeout=2.0)).status == 200
        assert asked == ["two.test"]
        for host in ("none.test", "hangs.test"):
            with pytest.raises(NotSent):
                await transport.request("GET", f"http://{host}:{provider.port}/", headers={}, timeout=0.4)
    await transport.close()
