"""Chains, limits and refusals on real sockets: names and addresses are mapped, nothing else."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent.fetch.dial import Dialer, Sockets
from assent.fetch.hop import MOST_BODY
from assent.fetch.walk import Limits, Walker
from assent.screen.page_look import Look
from tests.fetch.sites import PUBLIC, Names, Site, World, answer, authority, moved, packed, page

QUICK = Limits(hop_s=0.5, whole_s=1.2)
TEXT = "<h1>夏装上新</h1><p>" + "全场八折，满三百减五十，门店地址见下。" * 6 + "</p>"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    one = World()
    yield one
    await one.stop()


async def look(world: World, url: str, limits: Limits | None = None) -> Look:
    return await world.walker(limits).look(url, "phone")


async def test_a_page_at_the_end_of_a_chain(world: World) -> None:
    shop = await world.put("shop.example.cn", Site(a=page(TEXT)))
    await world.put("t.cn", Site(x=moved("http://m.example.cn/y?who=me", "301 Moved")), "1.1.1.1")
    refresh = '<meta http-equiv="Refresh" content="0; URL=//shop.example.cn/a">'
    await world.put("m.example.cn", Site(y=page(refresh)), "1.1.1.2")
    seen = await look(world, "http://t.cn/x")
    assert seen.outcome == "seen"
    assert [(hop.url, hop.how, hop.status, hop.address) for hop in seen.hops] == [
        ("http://t.cn/x", "start", 301, "1.1.1.1"),
        ("http://m.example.cn/y", "redirect", 200, "1.1.1.2"),  # without what names a person
        ("http://shop.example.cn/a", "refresh", 200, PUBLIC),
    ]
    assert seen.page is not None
    assert seen.page.chain == ("t.cn", "m.example.cn", "shop.example.cn")
    assert "全场八折" in seen.page.main
    _, headers = shop.asked[0]
    assert headers["host"] == "shop.example.cn"
    assert headers["accept-language"].startswith("zh-CN")
    assert "cookie" not in headers
    assert "referer" not in headers


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://inside.example.com/",
        "http://mixed.example.com/",
        "http://[fd00:ec2::254]/",
        "http://100.64.0.1/",
        "http://0/",
        "http://0x0a000001/",
        "http://mapped.example.com/",
    ],
)
@pytest.mark.parametrize("how", ["redirect", "refresh", "header"])
async def test_no_chain_leads_inside(world: World, to: str, how: str) -> None:
    inside = await Site(**{"*": page("secret")}).start()
    world.sites.append(inside)
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"):
        world.places.places[address, 80] = inside.port
    world.names.names["inside.example.com"] = [["10.0.0.1"]]
    world.names.names["mixed.example.com"] = [["8.8.8.8", "10.0.0.1"]]
    world.names.names["mapped.example.com"] = [["::ffff:10.0.0.1"]]
    answers = {
        "redirect": moved(to),
        "refresh": page(f'<meta http-equiv=refresh content="0;url={to}">'),
        "header": page("x", refresh=f"0; url={to}"),
    }
    await world.put("shop.example.cn", Site(a=answers[how]))
    seen = await look(world, "http://shop.example.cn/a")
    assert (seen.outcome, seen.why[:7]) == ("refused", "inside_"), seen
    assert inside.asked == []
    assert {place for place, _ in world.places.reached} == {PUBLIC}


async def test_a_name_that_turns_inside_is_refused_and_the_checked_address_is_the_one_used(
    world: World,
) -> None:
    site = await world.put("rebind.example.com", Site(a=moved("http://rebind.example.com/b")))
    world.names.names["rebind.example.com"] = [[PUBLIC], ["127.0.0.1"]]
    world.places.places["127.0.0.1", 80] = site.port
    seen = await look(world, "http://rebind.example.com/a")
    assert (seen.outcome, seen.why) == ("refused", "inside_loopback")
    # Asked once a hop, and connected to what it said then: there is no second question between.
    assert world.names.asked == ["rebind.example.com"] * 2
    assert world.places.reached == [(PUBLIC, 80)]
    assert len(site.asked) == 1


async def test_real_sockets_check_again_whom_they_reached() -> None:
    site = await Site(a=page(TEXT)).start()
    with pytest.raises(OSError, match="inside"):
        await Sockets().connect("127.0.0.1", site.port)
    names = Names({"shop.example.cn": [["127.0.0.1"]]})
    seen = await Walker(Dialer(names, Sockets())).look("http://shop.example.cn/a", "plain")
    assert (seen.outcome, seen.why) == ("refused", "inside_loopback")
    assert site.asked == []
    await site.stop()


async def test_our_own_refusal_links_are_never_fetched(world: World) -> None:
    own = [("sms.example.cn", "/u/")]
    ours = await world.put("sms.example.cn", Site(**{"*": page("refused")}))
    await world.put("t.cn", Site(x=moved("https://sms.example.cn/u/abc")), "1.1.1.1")
    walker = world.walker()
    for link in (
        "http://sms.example.cn/u/abc",
        "https://SMS.example.cn/u/abc",
        "http://t.cn/x",
        "http://sms.example.cn/%75/abc",
        "http://sms.example.cn//u//abc",
        "http://sms.example.cn/x/../u/a",
        "http://sms.example.cn./u/a",
        "http://sms.example.cn\\u\\a",
        "http://sms.example.cn/%2575/a",
    ):
        assert (await walker.look(link, "phone", own)).outcome == "own", link
    assert ours.asked == []
    assert (await walker.look("http://sms.example.cn/shop", "phone", own)).outcome != "own"


async def test_chains_end(world: World) -> None:
    pages = {f"p{n}": moved(f"/p{n + 1}") for n in range(20)}
    round_ = {"a": moved("/b"), "b": moved("/a")}
    await world.put("long.example.com", Site(**pages, **round_))
    seen = await look(world, "http://long.example.com/p0")
    assert (seen.outcome, seen.why, len(seen.hops)) == ("refused", "too_many_hops", 8)
    seen = await look(world, "http://long.example.com/a")
    assert (seen.outcome, seen.why) == ("refused", "goes_round")
    pages["p7"] = page(TEXT)
    await world.put("short.example.com", Site(**pages))
    assert (await look(world, "http://short.example.com/p0")).outcome == "seen"


async def test_what_is_too_large_is_not_read(world: World) -> None:
    bomb = gzip.compress(b"<p>" + b"a" * 200_000_000)
    assert len(bomb) < MOST_BODY
    sent = 0

    async def endless(path: str, headers: object, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n")
        while True:
            writer.write(b"<p>word</p>" * 1_000)
            sent += 11_000
            await writer.drain()

    await world.put(
        "large.example.com",
        Site(
            full=page("a" * (MOST_BODY + 1)),
            bomb=answer(bomb, content_encoding="gzip"),
            endless=endless,
            fits=page(TEXT + "<!--" + "a" * 400_000),
            film=answer(b"\0" * 9_000_000, content_type="video/mp4"),
        ),
    )
    for name in ("full", "bomb", "endless"):
        seen = await look(world, f"http://large.example.com/{name}")
        assert (seen.outcome, seen.why) == ("refused", "page_too_large"), name
        assert seen.octets <= MOST_BODY + (1 << 17)
    assert sent < 20 * MOST_BODY
    seen = await look(world, "http://large.example.com/film")
    assert (seen.outcome, seen.why, seen.octets) == ("refused", "no_page", 0)
    assert (await look(world, "http://large.example.com/fits")).outcome == "seen"


async def test_packed_pages_are_read(world: World) -> None:
    body = f"<html><body>{TEXT}".encode()
    bare = zlib.compressobj(wbits=-15)
    pages = {
        "gzip": packed(body),
        "zlib": answer(zlib.compress(body), content_encoding="deflate"),
        "bare": answer(bare.compress(body) + bare.flush(), content_encoding="deflate"),
        "gbk": answer(f"<body>{TEXT}".encode("gbk"), content_type="text/html; charset=GB2312"),
        "meta": answer(b"<meta charset=gbk>" + TEXT.encode("gbk"), content_type="text/html"),
        "lies": answer(TEXT.encode("gb18030"), content_type="text/html; charset=utf-8"),
    }
    await world.put("packed.example.com", Site(**pages))
    for name in pages:
        seen = await look(world, f"http://packed.example.com/{name}")
        assert seen.page is not None, (name, seen.why)
        assert "全场八折" in seen.page.main, name
    await world.put(
        "odd.example.com",
        Site(br=answer(b"x", content_encoding="br"), no=answer(b"x", content_encoding="gzip")),
    )
    for name in ("br", "no"):
        seen = await look(world, f"http://odd.example.com/{name}")
        assert (seen.outcome, seen.why) == ("failed", "encoding")


async def test_the_slow_are_not_waited_for(world: World) -> None:
    async def silent(path: str, headers: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5.0)

    async def drop_by_drop(path: str, headers: object, writer: asyncio.StreamWriter) -> None:
        for octet in page(TEXT):
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0.05)

    async def one_hop(path: str, headers: object, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0.4)
        return moved(f"/hops{len(path)}{path}x")

    site = Site(silent=silent, drops=drop_by_drop)
    site.pages["/*"] = one_hop
    await world.put("slow.example.com", site)
    loop = asyncio.get_running_loop()
    for name, most in (("silent", 0.9), ("drops", 0.9), ("hops", 1.6)):
        begin = loop.time()
        seen = await look(world, f"http://slow.example.com/{name}", QUICK)
        assert (seen.outcome, seen.why) == ("failed", "too_slow"), name
        assert loop.time() - begin < most, name


async def test_what_is_no_http(world: World) -> None:
    async def heads(path: str, headers: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            writer.write(b"x-%d: %s\r\n" % (number, b"a" * 100))
            await writer.drain()

    await world.put(
        "odd.example.com",
        Site(
            nothing=b"",
            words=b"hello there\r\n\r\n",
            heads=heads,
            five=page("x", "503 Busy"),
            forbidden=page("x", "403 No"),
            gone=page("x", "410 Gone"),
            missing=page("x", "404 No"),
            short=b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc",
            chunk=(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n"),
            hint=b"HTTP/1.1 103 Early Hints\r\n\r\n" + page(TEXT),
            text=answer(b"x", content_type="text/plain"),
        ),
    )
    expected = {
        "nothing": ("failed", "connection_lost"),
        "words": ("failed", "no_http"),
        "heads": ("failed", "head_too_large"),
        "five": ("failed", "status_503"),
        "forbidden": ("failed", "status_403"),
        "gone": ("gone", "410"),
        "missing": ("gone", "404"),
        "short": ("failed", "no_http"),
        "chunk": ("failed", "no_http"),
        "hint": ("seen", ""),
        "text": ("refused", "no_page"),
    }
    for name, told in expected.items():
        seen = await look(world, f"http://odd.example.com/{name}")
        assert (seen.outcome, seen.why) == told, name
    assert (await look(world, "http://no.example.com/")).why == "not_resolved"
    world.names.names["closed.example.com"] = [["9.9.9.9"]]
    assert (await look(world, "http://closed.example.com/")).why == "not_connected"


class Blurting(Site):
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(page(TEXT))
        await writer.drain()
        writer.close()


async def blurting() -> Site:
    """Return a server that speaks before it is asked, and not TLS."""
    return await Blurting().start()


async def test_certificates_are_checked_for_the_name(tmp_path: Path) -> None:
    shown, trust, _ = authority(tmp_path, "shop.example.cn", "www.example.cn")
    world = World(trust)
    await world.put("shop.example.cn", Site(a=page(TEXT)), tls=shown)
    await world.put("other.example.cn", world.sites[0], tls=shown)
    try:
        assert (await look(world, "https://shop.example.cn/a")).outcome == "seen"
        seen = await look(world, "https://other.example.cn/a")
        assert (seen.outcome, seen.why) == ("failed", "bad_certificate")
        world.trust = ssl.create_default_context()  # who does not know the authority
        seen = await look(world, "https://shop.example.cn/a")
        assert (seen.outcome, seen.why) == ("failed", "bad_certificate")
        plain = await world.put("plain.example.cn", Site(a=page(TEXT)))
        world.places.places[PUBLIC, 443] = plain.port
        seen = await look(world, "https://plain.example.cn/a", QUICK)
        assert (seen.outcome, seen.why) == ("failed", "too_slow")  # it waits for a request's end
        world.sites.append(await blurting())
        world.places.places[PUBLIC, 443] = world.sites[-1].port
        seen = await look(world, "https://plain.example.cn/a", QUICK)
        assert (seen.outcome, seen.why) == ("failed", "no_tls")
    finally:
        await world.stop()
