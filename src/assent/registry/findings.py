"""What the checks find: stable codes, words in both languages, how grave.

A finding is told to a reviewer or to who asks with ``assent check``; none decides by itself who may
send. Words never hold the value that was looked at, which may be personal data; what of it may be
shown stands in `about`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Severity(IntEnum):
    """NOTE: good to know. REVIEW: a person must look. WRONG: cannot be so; ask for another."""

    NOTE = 0
    REVIEW = 1
    WRONG = 2


VERDICTS: Final = {Severity.NOTE: "ok", Severity.REVIEW: "review", Severity.WRONG: "wrong"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable. `en` and `zh` are for people. `about`: what exactly, '' for nothing."""

    code: str
    severity: Severity
    en: str
    zh: str
    about: str = ""


_N, _R, _W = Severity.NOTE, Severity.REVIEW, Severity.WRONG

_CREDIT_CODE: Final = (
    ("credit_code_length", _W, "a unified social credit code has 18 characters",
     "统一社会信用代码应为18位"),
    ("credit_code_old_number", _W, ("an old registration number or organisation code; ask for "
     "the unified social credit code"), "系旧版注册号或组织机构代码，请提供统一社会信用代码"),
    ("credit_code_letter", _W, "has a character that no code has (I, O, Z, S, V are never used)",
     "含有代码中不使用的字符（不使用I、O、Z、S、V）"),
    ("credit_code_division", _W, "characters 3 to 8 are digits: the division of the office",
     "第3至8位应为数字（登记机关行政区划码）"),
    ("credit_code_province", _R, "no province has this division code", "行政区划码不属于任何省份"),
    ("credit_code_authority", _R, "the standard knows no such registering authority or class",
     "标准中无此登记管理部门或机构类别"),
    ("credit_code_check", _R, "the check character does not fit; have the extract of the register",
     "校验码不符，请核对登记机关公示信息"),
    ("credit_code_trial_region", _R, ("the check character does not fit, as in real codes that "
     "Fujian issued early on; have the extract of the register"),
     "校验码不符，但福建早期试点发放过此类有效代码，请核对登记机关公示信息"),
    ("credit_code_subject_check", _R, ("the check character of the organisation code in it "
     "(characters 9 to 17) does not fit"), "主体标识码（第9至17位）校验码不符"),
)  # fmt: skip

_RESIDENT_ID: Final = (
    ("resident_id_length", _W, "an identity number has 18 characters", "公民身份号码应为18位"),
    ("resident_id_old", _W, "an old number of 15 digits; ask for the one of 18",
     "系15位旧号码，请提供18位号码"),
    ("resident_id_form", _W, "17 digits, then a digit or X", "前17位应为数字，末位为数字或X"),
    ("resident_id_division", _W, "no province has this division code", "地址码不属于任何省份"),
    ("resident_id_date", _W, "the date of birth is no day of the calendar", "出生日期不存在"),
    ("resident_id_future", _W, "the date of birth is yet to come", "出生日期晚于今天"),
    ("resident_id_check", _W, "the check character does not fit", "校验码不符"),
    ("resident_id_minor", _R, "the person is not 18 yet", "该人未满18周岁"),
    ("resident_id_age", _R, "the person would be older than 100 years", "该人年龄超过100周岁"),
    ("resident_id_permit", _R, ("of a residence permit for Hong Kong, Macao or Taiwan; see the "
     "permit itself"), "系港澳台居民居住证号码，请核对证件"),
    ("resident_id_foreigner", _R, ("of a permanent residence card of a foreigner; see the card "
     "itself"), "系外国人永久居留身份证号码，请核对证件"),
)  # fmt: skip

_LICENCE: Final = (
    ("licence_form_unknown", _R, "of no form that we know; see the paper and its register",
     "号码格式未知，请核对证件原件及发证机关公示信息"),
    ("licence_form_wrong", _W, "not a number of this kind of licence", "不符合该类证件的号码格式"),
    ("licence_year", _W, "the year in the number is before 2000 or yet to come",
     "号码中的年份早于2000年或晚于今年"),
    ("licence_class", _R, "names no class B2: it allows no information service",
     "业务种类不含B2，不能经营信息服务业务"),
    ("licence_scope_unseen", _N, ("the number does not tell the scope: B25, not limited to the "
     "internet, must stand on the paper"),
     "号码不体现业务覆盖范围，须在证件上核对B25且不限于互联网信息服务"),
    ("licence_is_filing", _R, "a filing of a website, no licence", "系网站备案号，不是许可证"),
    ("licence_no_proof", _R, ("the form is a hint only: have the picture, holder, scope and end, "
     "and ask the regulator's register"),
     "格式仅供参考，须核对影像、持有人、范围、有效期及监管机构公示"),
)  # fmt: skip

_NAME: Final = (
    ("name_empty", _W, "a name is missing", "缺少名称"),
    ("name_written_otherwise", _N, "the same name, written with other width, brackets or blanks",
     "名称相同，仅全半角、括号或空格不同"),
    ("name_other_characters", _N, "the same name, in traditional and simplified characters",
     "名称相同，仅繁简体不同"),
    ("name_nearly", _R, "nearly the same name", "名称相近但不一致"),
    ("name_differs", _W, "another name", "名称不一致"),
)  # fmt: skip

_DATES: Final = (
    ("dates_reversed", _W, "it ends before it begins", "截止日期早于起始日期"),
    ("dates_expired", _W, "it has expired", "已过有效期"),
    ("dates_missing", _W, "a paper of its kind names its end, or the day from which it is counted",
     "该类材料须载明截止日期或起算日期"),
    ("dates_to_come", _R, "it does not hold yet", "尚未生效"),
    ("dates_too_long", _R, "nobody issues one for so long", "有效期超过该类证件的最长期限"),
    ("dates_end_soon", _N, "it ends soon", "即将到期"),
    ("letter_short", _R, "shorter than carriers take", "授权期限短于运营商要求"),
    ("letter_long", _R, "longer than is usual", "授权期限过长"),
    ("letter_signatures", _W, "no signatures, or more than one letter may name",
     "未列签名或签名数量超过单份授权书上限"),
    ("letter_principal", _W, "the credit code in the letter is not that of the signature's owner",
     "授权书中的统一社会信用代码与签名所属主体不一致"),
    ("letter_agent", _W, "the letter names another agent", "授权书中的被授权方不是申请人"),
    ("letter_own", _W, "nobody authorises itself", "授权方与被授权方相同"),
)  # fmt: skip

_SIGNATURE: Final = (
    ("signature_empty", _W, "there is no signature", "签名为空"),
    ("signature_characters", _W, ("letters, digits and Chinese characters only: no blanks, symbols "
     "or brackets"), "签名只能含汉字、字母和数字，不能有空格、符号或括号"),
    ("signature_length", _W, "too short or too long for the carrier", "签名长度不符合通道要求"),
    ("signature_digits", _W, "digits only", "签名不能为纯数字"),
    ("signature_test", _W, "a signature for testing", "签名不能为测试内容"),
    ("signature_generic", _W, "a generic word; it names nobody", "签名为通用词，不能识别主体"),
    ("signature_name_unknown", _R, ("the full name of its owner is not given, so nothing shows "
     "that it is theirs"), "未提供主体全称，无法核对签名归属"),
    ("signature_not_of_name", _W, ("neither the full name, nor taken in order from it, nor "
     "registered as a trade mark or app"),
     "既非主体全称或其依次简称，也非已注册商标或已备案应用名称"),
    ("signature_gaps", _R, "taken in order from the full name, but with gaps",
     "简称取自全称但不连续"),
    ("signature_public_body", _R, "sounds like a public body or a carrier; only they may use it",
     "签名疑似党政机关、事业单位或运营商名称，仅限其本身使用"),
    ("signature_taken", _W, "another sender's signature or name", "与其他主体的签名或名称相同"),
    ("signature_same_look", _W, "looks the same as another sender's",
     "与其他主体的签名外形相同"),
    ("signature_similar_glyphs", _R, ("written with characters that are easily taken for another "
     "sender's"), "与其他主体的签名字形相近"),
    ("signature_same_sound", _R, "sounds the same as another sender's", "与其他主体的签名读音相同"),
    ("signature_near", _R, "holds another sender's, or differs from it by one character",
     "包含其他主体的签名，或仅差一个字"),
)  # fmt: skip

_SIGNAL: Final = (
    ("one_person_bank", _R, ("a financial institution that arrives as one person with a copy of "
     "the licence"), "金融机构仅由一人持证照复印件申请"),
    ("no_website", _R, "it has no website", "主体没有网站"),
    ("website_unread", _W, "not the address of a website", "不是有效的网址"),
    ("website_not_registered", _R, "the website is not one that is registered for it",
     "网站不在该主体的备案之列"),
    ("website_unknown", _R, "which websites are registered for it is not known",
     "尚未查询该主体备案的网站"),
    ("mail_unread", _W, "not a mail address", "不是有效的邮箱地址"),
    ("mail_free", _R, "mail from a provider where anybody has an address",
     "使用公共邮箱而非单位邮箱"),
    ("mail_outside", _R, "mail from outside the entity's own domains", "邮箱不属于该主体的域名"),
    ("call_back_not_made", _R, "nobody has called it at a number of a public register",
     "尚未按公示电话回拨核实"),
    ("call_back_unlisted", _R, "the number that was called is in no public register",
     "回拨的号码未见于公示信息"),
    ("no_listed_number", _R, "no public register has a telephone number of it",
     "公示信息中没有该主体的电话"),
    ("younger_than_claim", _R, "the company is younger than the business it claims",
     "成立日期晚于其声称的营业起始时间"),
    ("licence_before_founding", _R, "a licence of it begins before the company was founded",
     "证照生效日期早于公司成立日期"),
    ("young_company", _R, "the company was founded only lately", "公司成立时间较短"),
    ("founded_later", _W, "the day of its founding is yet to come", "成立日期晚于今天"),
    ("many_companies", _R, "the same legal person stands behind many companies",
     "同一法定代表人名下企业过多"),
    ("responsible_for_many", _N, "the same person is responsible for several companies",
     "同一责任人负责多家企业"),
    ("shared_officers", _R, ("shares officers, shareholders or former ones with a company whose "
     "rights were revoked"), "与已被取消资格的企业存在共同的高管、股东或前任人员"),
)  # fmt: skip

_ALL: Final = (*_CREDIT_CODE, *_RESIDENT_ID, *_LICENCE, *_NAME, *_DATES, *_SIGNATURE, *_SIGNAL)

FINDINGS: Final = {row[0]: Finding(*row) for row in _ALL}
"""Every finding there is, by code; docs/qualifications.md lists them."""


def found(code: str, about: str = "") -> Finding:
    """Return a finding by its code."""
    known = FINDINGS[code]
    return Finding(known.code, known.severity, known.en, known.zh, about)


def verdict(findings: Iterable[Finding]) -> str:
    """Return what findings come to: `ok`, `review` or `wrong`."""
    return VERDICTS[max((one.severity for one in findings), default=Severity.NOTE)]
