"""What hostile servers do, one function each: redirects, sizes, slowness, contents, traps."""

from __future__ import annotations

import gzip
import io
import zlib
from functools import cache

import brotli
import zstandard
from hostile_wire import Behaviour, Exchange, article

MIB = 1024 * 1024


def honest_otherwise(answer: Behaviour) -> Behaviour:
    """Serve no robots.txt and no favicon, so that a crawl gets to the behaviour itself."""

    def behave(exchange: Exchange) -> None:
        if exchange.request.path in {"/robots.txt", "/favicon.ico", "/sitemap.xml"}:
            exchange.respond(b"", status="404 Not Found")
        else:
            answer(exchange)

    return behave


# --- redirects ---------------------------------------------------------------------------------------------------


def redirect_to(location: str, status: str = "302 Found", headers: tuple[str, ...] = ()) -> Behaviour:
    return lambda exchange: exchange.redirect(location, status=status, headers=headers)


def redirect_in_circles(exchange: Exchange) -> None:
    exchange.redirect("/b" if exchange.request.path != "/b" else "/a")


def redirect_chain(length: int) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        number = int(exchange.request.path.strip("/") or 0)
        if number < length:
            exchange.redirect(f"/{number + 1}")
        else:
            exchange.respond(article())

    return behave


def redirect_with_two_locations(exchange: Exchange) -> None:
    exchange.respond(b"", status="302 Found", headers=("Location: /one", "Location: /two"))


def redirect_with_bomb_body(exchange: Exchange) -> None:
    if exchange.request.path == "/after":
        exchange.respond(article())
        return
    bomb = gzip_bomb(64 * MIB)
    exchange.respond(bomb, status="302 Found", headers=("Location: /after", "Content-Encoding: gzip"))


def cookies_then_elsewhere(other: str) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        if exchange.request.path == "/start":
            cookies = ("Set-Cookie: id=secret; Path=/", "Set-Cookie: wide=1; Domain=com; Path=/")
            exchange.redirect(other, headers=cookies)
        else:
            exchange.respond(article())

    return behave


def page_that_moves_to(private: str) -> Behaviour:
    page = (
        f'<html><head><meta http-equiv="refresh" content="0; url={private}meta"></head><body><script>'
        f"window.location.href = '{private}script';</script><p>one two three four five</p></body></html>"
    )
    return lambda exchange: exchange.respond(page.encode(), headers=(f"Refresh: 0; url={private}header",))


# --- sizes -------------------------------------------------------------------------------------------------------


@cache
def gzip_bomb(size: int) -> bytes:
    """A gzip stream of that many zeros; each block of 16 MiB is the same bytes, so making it costs one block."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = engine.compress(bytes(16 * MIB)) + engine.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + block * (size // (16 * MIB))


def brotli_bomb(size: int) -> bytes:
    engine = brotli.Compressor(quality=1)
    return b"".join(engine.process(bytes(MIB)) for _ in range(size // MIB)) + engine.finish()


def zstd_bomb(size: int) -> bytes:
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        for _ in range(size // MIB):
            writer.write(bytes(MIB))
    return out.getvalue()


def bomb(kind: str) -> Behaviour:
    make = {"gzip": gzip_bomb, "br": brotli_bomb, "zstd": zstd_bomb}[kind]
    payload = make(1024 * MIB if kind == "gzip" else 256 * MIB)
    return lambda exchange: exchange.respond(payload, headers=(f"Content-Encoding: {kind}",))


def gzip_six_times(exchange: Exchange) -> None:
    body = article()
    for _ in range(6):
        body = gzip.compress(body)
    exchange.respond(body, headers=("Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip",))


def gzip_members(exchange: Exchange) -> None:
    """Many thousand empty members, each legal."""
    exchange.respond(gzip.compress(b"") * 50_000, headers=("Content-Encoding: gzip",))


def declares_ten_gigabytes(exchange: Exchange) -> None:
    exchange.respond(b"", length=10 * 1024**3)
    exchange.flood(b"x" * 65536)


def endless_chunks(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    exchange.flood(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")


def chunk_extensions(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    exchange.flood(b"1;" + b"e" * 60_000 + b"\r\nx\r\n")


def length_too_small(exchange: Exchange) -> None:
    body = article()
    exchange.respond(body, length=len(body) // 2)


def length_too_large(exchange: Exchange) -> None:
    exchange.respond(article(), length=10_000_000 // 10)
    exchange.closing = True


def plain_announced_as_gzip(exchange: Exchange) -> None:
    exchange.respond(article(), headers=("Content-Encoding: gzip",))


def fifty_megabytes(exchange: Exchange) -> None:
    exchange.respond(b"<p>" + b"many words " * 100_000, length=None)
    for _ in range(45):
        exchange.send(b"many words " * 100_000)


# --- time --------------------------------------------------------------------------------------------------------


def never_answers(exchange: Exchange) -> None:
    exchange.wait(60)


def header_drip(exchange: Exchange) -> None:
    exchange.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000, 0.05)


def body_drip(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<p>first words")
    exchange.drip(b"a" * 980, 0.05)


def slow_pages(seconds: float) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.wait(seconds)
        links = tuple(f"/page-{letter}" for letter in "abcdefghijkl")
        exchange.respond(article(seed=exchange.request.path, links=links))

    return honest_otherwise(behave)


def continue_flood(exchange: Exchange) -> None:
    exchange.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def header_flood(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        exchange.send(b"X-%d: 1\r\n" % number)


def header_line_flood(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(20):
        exchange.send(b"a" * MIB)


def garbage(exchange: Exchange) -> None:
    exchange.send(b"\x00\x01\x02 this is not HTTP at all\r\n\r\n")
    exchange.closing = True


def reset_in_body(exchange: Exchange) -> None:
    exchange.respond(article(), length=100_000)
    exchange.wait(0.2)
    exchange.reset()


def keeps_alive_then_silent(exchange: Exchange) -> None:
    if len(exchange.server.requests) == 1:
        exchange.respond(article())
    else:
        exchange.wait(60)


def speaks_http2_only(exchange: Exchange) -> None:
    exchange.send(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18))
    exchange.wait(0.3)


def handshake_drip(exchange: Exchange) -> None:
    exchange.drip(b"\x16\x03\x03\x40\x00" + bytes(16_000), 0.05)


def tls_alert(exchange: Exchange) -> None:
    """A handshake alert, no_application_protocol: what an HTTP/2-only server answers to an HTTP/1.1 client."""
    exchange.connection.recv(65536)
    exchange.send(b"\x15\x03\x03\x00\x02\x02\x78")
    exchange.wait(0.2)


# --- contents ----------------------------------------------------------------------------------------------------


def page(body: bytes, content_type: str | None = "text/html", headers: tuple[str, ...] = ()) -> Behaviour:
    typed = (f"Content-Type: {content_type}",) if content_type is not None else ("X-No-Type: 1",)

    def behave(exchange: Exchange) -> None:
        if content_type is None:
            lines = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            exchange.send(lines + body)
        else:
            exchange.respond(body, headers=(*typed, *headers))

    return honest_otherwise(behave)


# --- traps -------------------------------------------------------------------------------------------------------


def calendar(exchange: Exchange) -> None:
    month = int(exchange.request.path.partition("m=")[2] or 1)
    links = tuple(f"/cal?y={2000 + (month + step) // 12}&m={month + step}" for step in range(1, 30))
    exchange.respond(article(seed=str(month), links=links))


def repeating_segments(exchange: Exchange) -> None:
    path = exchange.request.path.rstrip("/")
    exchange.respond(article(seed=path, links=(f"{path}/a", f"{path}/b", f"{path}/a/b/a/b/a/b")))


def session_in_links(exchange: Exchange) -> None:
    number = len(exchange.server.requests)
    links = tuple(f"/list;jsessionid={number}{letter}?PHPSESSID={number}{letter}&page=one" for letter in "abcdefgh")
    exchange.respond(article(seed="always the same", links=links, label="Next"))


def session_in_path(exchange: Exchange) -> None:
    number = len(exchange.server.requests)
    links = tuple(f"/{letter}x{number}q/list" for letter in "abcdefgh")
    exchange.respond(article(seed="always the same", links=links, label="Next"))


def same_page_everywhere(exchange: Exchange) -> None:
    exchange.respond(article(seed="everything", links=tuple(f"/{letter * 3}" for letter in "abcdefgh")))


def unique_page_everywhere(exchange: Exchange) -> None:
    path = exchange.request.path
    exchange.respond(article(seed=path, links=tuple(f"{path.rstrip('/')[-40:]}x{letter}" for letter in "abcdefgh")))


def wildcard_subdomains(domain: str, port: int) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        links = tuple(f"http://{letter * 3}.{domain}:{port}/{letter}" for letter in "abcdefghijkl")
        exchange.respond(article(seed=exchange.request.host, links=links))

    return honest_otherwise(behave)


def sitemap_of_ten_million(exchange: Exchange) -> None:
    if exchange.request.path != "/sitemap.xml":
        honest_otherwise(lambda inner: inner.respond(article()))(exchange)
        return
    exchange.respond(b'<?xml version="1.0"?><urlset>', headers=("Content-Type: application/xml",), length=None)
    for number in range(10_000_000):
        if exchange.server.stopping.is_set():
            return
        where = exchange.request.headers["host"].encode()
        exchange.send(b"<url><loc>http://%s/p%d</loc><lastmod>2026-01-01</lastmod></url>" % (where, number) * 50)


def sitemap_loop(exchange: Exchange) -> None:
    if exchange.request.path.startswith("/sitemap"):
        number = exchange.request.path.count("x")
        nested = f"<sitemapindex><sitemap><loc>/sitemap{'x' * (number + 1)}</loc></sitemap>"
        nested += "<sitemap><loc>/sitemap.xml</loc></sitemap></sitemapindex>"
        exchange.respond(nested.encode(), headers=("Content-Type: application/xml",))
    else:
        honest_otherwise(lambda inner: inner.respond(article()))(exchange)


def sitemap_bomb(exchange: Exchange) -> None:
    if exchange.request.path == "/sitemap.xml":
        exchange.respond(gzip_bomb(256 * MIB), headers=("Content-Type: application/gzip",))
    else:
        honest_otherwise(lambda inner: inner.respond(article()))(exchange)


def robots(answer: Behaviour) -> Behaviour:
    """A plain site whose robots.txt is answered by `answer`."""

    def behave(exchange: Exchange) -> None:
        if exchange.request.path == "/robots.txt":
            answer(exchange)
        else:
            exchange.respond(article(seed=exchange.request.path, links=("/about", "/secret/one", "/open/two")))

    return behave


def robots_text(text: bytes) -> Behaviour:
    return robots(lambda exchange: exchange.respond(text, headers=("Content-Type: text/plain",)))


def cloaked_by(header: str, needle: str, hidden: bytes) -> Behaviour:
    """Shows `hidden` to those whose header holds the needle, an article to all others; sets a cookie."""

    def behave(exchange: Exchange) -> None:
        seen = needle in exchange.request.headers.get(header, "")
        exchange.respond(hidden if seen else article(), headers=("Set-Cookie: visited=1; Path=/",))

    return honest_otherwise(behave)
