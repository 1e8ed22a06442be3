"""What we write to people, in Chinese and English in one mail: which one they read is not known."""

from __future__ import annotations

from typing import Final

from assent.registry.decisions import Ground

_END: Final = (
    "\n\n如果这不是您本人的操作，请忽略本邮件；如有疑问，请联系平台。\n"
    "If this was not you, do nothing; if in doubt, ask the platform.\n"
)


def sign_up(name: str, account: str, token: str) -> tuple[str, str]:
    """Prove the address, to apply for an account."""
    return (
        "确认您的邮箱 / Confirm your e-mail address",
        f"{name}，您好：\n\n您为“{account}”申请开户。请在 24 小时内用下面的验证串确认邮箱："
        f"\n\n    {token}\n\n命令行：assent account confirm\n\n"
        f"You applied for the account {account}. Confirm your address within 24 hours with the"
        f" token above (assent account confirm)." + _END,
    )


def known_already() -> tuple[str, str]:
    """Somebody signed up with the address of a person who has a login."""
    return (
        "您已有登录账号 / You have a login already",
        "有人用这个邮箱申请开户，但它已有登录账号。如需新开账户，请登录后联系平台；"
        "忘记密码请使用 assent account reset。\n\nSomebody signed up with this address, which has a"
        " login already. If you forgot the password: assent account reset." + _END,
    )


def invitation(account: str, roles: str, token: str) -> tuple[str, str]:
    """Join an account."""
    return (
        f"邀请加入“{account}” / Invitation to {account}",
        f"您被邀请加入账户“{account}”，角色：{roles}。请在 7 天内用下面的验证串接受："
        f"\n\n    {token}\n\n命令行：assent account accept\n\n"
        f"You are invited to the account {account} as {roles}. Accept within 7 days with the token"
        f" above (assent account accept)." + _END,
    )


def reset(token: str) -> tuple[str, str]:
    """Set a new password."""
    return (
        "重设密码 / Set a new password",
        f"请在 1 小时内用下面的验证串重设密码：\n\n    {token}\n\n"
        "命令行：assent account set-password\n\n"
        "Set a new password within an hour with the token above (assent account set-password)."
        + _END,
    )


_CHANGES: Final = {
    "password": ("密码已更改", "your password was changed"),
    "totp_on": ("已启用两步验证", "the second factor was switched on"),
    "totp_off": ("已停用两步验证", "the second factor was switched off"),
    "recovery_code": ("使用了恢复码登录", "a recovery code was used to log in"),
    "phone": ("手机号已验证", "a phone number was verified"),
    "roles": ("您的角色已变更", "your roles were changed"),
    "key": ("新建了 API 密钥", "an API key was made in your name"),
}


def changed(what: str) -> tuple[str, str]:
    """Something changed of how a person proves who they are: words of `_CHANGES`."""
    chinese, english = _CHANGES[what]
    return (
        f"账号安全提醒：{chinese} / Security notice",
        (
            f"您的登录账号：{chinese}。\n\nOf your login: {english}."
            "\n\n如果这不是您本人的操作，请立即重设密码并联系平台。\n"
            "If this was not you, set a new password at once and tell the platform.\n"
        ),
    )


_KINDS: Final = {
    "account": ("开户申请", "account"),
    "sender": ("内容提供者登记", "sender"),
    "document": ("材料", "document"),
    "letter": ("授权书", "letter of authorisation"),
    "port": ("端口号申请", "port"),
    "template": ("模板", "template"),
    "signature": ("签名", "signature"),
    "host": ("链接域名", "host of links"),
}
_OTHER: Final = ("申请", "application")
_SHOWN: Final = "\n\n命令行：assent account show\nSee: assent account show (GET /v1/admission)\n"


def ends(chinese: str, english: str, number: str, until: str, days: int) -> tuple[str, str]:
    """A paper or letter ends in some days."""
    return (
        f"{chinese}将于 {until} 到期 / Your {english} ends on {until}",
        f"您的{chinese}（编号 {number}）将于 {until} 到期，还有 {days} 天。到期后，依赖它的业务将"
        f"自动停止，其他业务不受影响。请及时提交新的材料。\n\nYour {english} (number {number}) ends"
        f" on {until}, {days} days from now. What depends on it stops after that day, and nothing"
        " else. Hand in a renewed one." + _SHOWN,
    )


def asked(kind: str, item: str) -> tuple[str, str]:
    """A reviewer asks something."""
    chinese, english = _KINDS.get(kind, _OTHER)
    return (
        f"审核人员有问题需要您答复（{chinese}）/ A reviewer asks you something",
        f"审核人员就您的{chinese}（审核编号 {item}）提出了问题。答复后审核继续。\n\n命令行："
        f"assent account answer {item}\n\nA reviewer asks something about your {english} (item"
        f" {item}). The review goes on when you have answered: assent account answer {item}"
        + _SHOWN,
    )


def decided(kind: str, item: str, ground: Ground) -> tuple[str, str]:
    """Something was approved or refused."""
    approved = ground.verdict == "approve"
    chinese, english = _KINDS.get(kind, _OTHER)
    verdict = ("审核通过", "approved") if approved else ("审核未通过", "refused")
    mend = f" What to do: {ground.mend}." if ground.mend else ""
    return (
        f"{chinese}：{verdict[0]} / Your {english}: {verdict[1]}",
        f"您的{chinese}（审核编号 {item}）{verdict[0]}：{ground.zh}。\n\n"
        f"Your {english} (item {item}) was {verdict[1]}: {ground.en}.{mend}" + _SHOWN,
    )


def balance_low(account: str, currency: str, available: int, below: int) -> tuple[str, str]:
    """A balance has fallen below the mark that the account set; amounts in micro-units."""
    left, mark = (f"{currency} {amount / 1e6:,.2f}" for amount in (available, below))
    return (
        "余额提醒 / Low balance",
        (
            f"账户“{account}”的可用余额为 {left}，低于您设定的提醒线 {mark}。请及时充值。\n\n"
            f"The account {account} has {left} left, less than the {mark} of which you wanted to be"
            " told. Top it up in time.\n\n命令行：assent money balance\nSee: assent money balance\n"
        ),
    )


def witness_missing(seconds: float) -> tuple[str, str]:
    """No witness has seen the ledger for long."""
    minutes = int(seconds // 60)
    return (
        "同意账本无见证 / The consent ledger is not witnessed",
        (
            f"已有 {minutes} 分钟没有见证人联署同意账本。退订、验证码和通知不受影响；"
            "新的同意暂不生效。请检查见证人服务及网络。\n\n"
            f"No witness has cosigned the consent ledger for {minutes} minutes. Refusals, codes and"
            " notices go on; new consents open nothing meanwhile. Look after the witnesses and the"
            " way to them.\n\n命令行：assent ledger show\nSee: assent ledger show\n"
        ),
    )
