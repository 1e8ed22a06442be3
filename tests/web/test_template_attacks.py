"""Attacks on templates: links that a variable leads elsewhere, values that turn a text around."""

from __future__ import annotations

import pytest

from assent.errors import InvalidInput
from assent.registry.templates import Variable, check_host, first_faults, host_of, parse

HOSTS = frozenset({"shop.example.cn"})


def refused(kind: str, value: str) -> bool:
    return bool(first_faults([Variable("x", kind)], {"x": [value]}, HOSTS))


@pytest.mark.parametrize(
    "body",
    [
        "详情 https://shop.example.cn{x} 请查收",  # .evil.example, @evil.example, -x.example
        "详情 https://shop.example.cn{x:code} 请查收",
        "详情 https://shop.example.cn:{x:code}/ 请查收",
        "详情 https://{x}shop.example.cn/ 请查收",
        "详情 https://{x}.shop.example.cn/ 请查收",
        "详情 https://shop{x}.example.cn/ 请查收",
        "详情 HTTPS://SHOP.example.cn{x}/ 请查收",
        "详情 http{x}://shop.example.cn/ 请查收",
        "详情 {x}://shop.example.cn/ 请查收",
        "详情 https:/{x}/shop.example.cn/ 请查收",
        "详情 https://user@shop.example.cn/ 请查收",
        "详情 https://shop.example.cn:8443/ 请查收",
        "详情 https://shop.example.cn\\@evil.example/ 请查收",
        "详情 {x}.{y} 请查收",
        "详情 ftp://shop.example.cn/ 请查收",
        "详情 weixin://dl/business/?t={x:code} 请查收",
    ],
)
def test_no_variable_makes_a_link_lead_elsewhere(body: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(body)
    assert caught.value.code in ("template_link", "template_variable"), caught.value.code


@pytest.mark.parametrize(
    "body",
    [
        "详情 https://shop.example.cn/o/{x:code} 请查收",
        "详情 https://shop.example.cn/?o={x:code} 请查收",
        "详情 https://shop.example.cn 请查收，{x}",
        "您的订单No.{x:code}，金额{y:amount}元。",
        "Dear {x}. Your code is {y:code}.",
    ],
)
def test_honest_links_and_dots_stay(body: str) -> None:
    assert parse(body).hosts in ((), ("shop.example.cn",))


@pytest.mark.parametrize(
    "value",
    [
        "a\u202eb", "a\u2066b", "a\u2028b", "a\u2029b", "a\u0085b", "a\u009bb", "a\nb", "a\rb",
        "evil.ru/x", "evil.dev/", "evil.cn", "EVIL.CN", "evil\uff0ecn", "evil\u3002cn/x",
        "http://x", "HtTpS://x", "wWw.x", "\uff45\uff56\uff49\uff4c.cn", "1.2.3.4/x", "evil.top:80",
        "xn--fiqs8s.xn--fiqs8s/", "@evil.ru/", "evil.\u4e2d\u56fd/x", "evil\u200b.cn",
    ],
)  # fmt: skip
def test_no_text_turns_around_or_brings_a_link(value: str) -> None:
    assert refused("text", value), value


@pytest.mark.parametrize(
    "value",
    [
        "3.5折",
        "12.30",
        "v2.0.1",
        "No.5",
        "张三（先生）",
        "A/B",
        "3/4",
        "Mr. Li",
        "👨‍👩‍👧",
        "24.5kg/箱",
    ],
)
def test_honest_values_stay(value: str) -> None:
    assert not refused("text", value), value


@pytest.mark.parametrize(
    "value",
    [
        "https://shop.example.cn@evil.example/", "https://evil.example/shop.example.cn",
        "https://shop.example.cn.evil.example/", "https://shop.example.cn:8443/",
        "https://shop.example.cn\\.evil.example/", "https://shop.example.cn%2eevil.example/",
        "https://shop.example.cn#@evil.example", "https://evil.example#shop.example.cn",
        "https://shop.example.cn?x@evil.example", "//shop.example.cn/", "shop.example.cn",
        "https:///shop.example.cn/", "https:shop.example.cn", "https://xn--shp-hma.example.cn/",
        "https://ｓhop.example.cn/", "javascript:alert(1)//shop.example.cn",
        "https://shop.example.cn\t.evil.example/", "https://[::1]/", "https://shop.example.cn./",
        "https://shop.example.cn/{y}", "https://shop.example.cn/【x】",
    ],
)  # fmt: skip
def test_links_of_strangers(value: str) -> None:
    if "#" in value or "?" in value:  # browsers and we agree where a host ends
        assert refused("url", value) is (host_of(value) not in HOSTS)
    else:
        assert refused("url", value), value


@pytest.mark.parametrize("value", ["https://SHOP.Example.CN/x", "http://shop.example.cn:80/x"])
def test_the_filed_host_in_other_letters(value: str) -> None:
    assert not refused("url", value)


@pytest.mark.parametrize("host", ["shop.example.cn\n.x", "a@b.cn", "b.cn:80", "1.2.3.4", "店.cn",
                                  "-a.cn", "a..cn", "https://a.cn", "cn", "a_b.cn"])  # fmt: skip
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(InvalidInput):
        check_host(host)
