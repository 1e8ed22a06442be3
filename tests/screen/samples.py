"""Texts written for the tests: bait as it is sent, and what people wait for. Nobody's messages."""

from __future__ import annotations

from typing import Final

__all__ = ["BAIT", "HONEST"]

# ruff: noqa: E501 - a text a line
BAIT: Final = """\
【招行e贷】张先生，您的28.6万信用额度3月20日24点前有效，回复Y即可启用，拒收请回复R
您本月可支配资金上限为12万，将于今日24时清空，点 c7k.cn/a 保留名额，拒收回R
尊敬的用户：平台已为您核定8.8万元可用金，请于48小时内确认，逾期系统自动回收 m3x.cc
通知：您申请的150000元已进入放款环节，请尽快完善收款信息 https://q2.top/x
您的账户内有50000元未提现，今天是最后一天，打开 t.cn/xx 操作
【银联提示】您的综合信用分已达标，可支取最高20万，戳 dx7.cn
系统消息：您的贷款上限由3万变为18万，请在今日内核对，退订T
温馨提示您的信用额度有调整，详情登陆 www.a8.cc 查阅，退订回T
您好，您在本平台预留的用款名额仅保留至今晚，回1继续，回2放弃
【官方】您符合国家助企纾困资金政策，最高可领300万低息资金，回复1了解
李女士，您的专属借款权益已到账，最高20万，年利率3.6%起，点击领取
您的审批结果已出：通过！可借86000元，2小时内有效，速点 w.cc/y
尾款提醒：您尚有一笔授信未启用，金额120,000，有效期剩余1天，回复3办理
您去年的额度已恢复使用，最快3分钟到您卡里，点 k.cn
【急速】5万备用钱已批，无需审核，今日有效 n.cc/1
尊敬的会员，您的现金借款名额即将到期，请马上登录处理
您的网商额度提前释放，共计72,300，请于今日18点前确认，否则失效
您的提款权限将在3小时后关闭，可提金额65,000元，t.im/q
[通知]经评估您可享受先用钱后还款服务，最高30万，回复1开通
尊敬的客户：您的信用卡备用金56000元已生效，点击 s.cn/b 申请到账
您的循环贷额度将于今晚失效，点此续期
贵企业已获批经营贷额度200万，有效期至本月底，回1客户经理联系您
您的信用等级已升级，额度翻倍，现可借10万，戳
恭喜！您已通过初审，下款金额5万元，请点击链接绑定银行卡收款
Dear customer, your approved credit of $20,000 will lapse tonight, reply YES to keep it
Notice: your loan limit has been raised to 30,000. Tap bit.ly/x to withdraw before it expires
You have 15,000 USD in unused credit, available until Friday. Reply 1
Your cash line is about to be closed. Log in at x.co to keep 25,000
Official notice: the amount you can borrow will change tomorrow, see http://a.co
Your reserved funding of 100,000 expires today, click to accept
We have set aside £5,000 for you. Offer ends tonight. Reply Y to receive the money
Final notice: borrowing allowance will be revised, follow the link, STOP to opt out
Your credit facility of RM50,000 lapses on 15 March. Reply 1 to retain
您的¥398,000授信将在3月15号截止，回1保留
您有39.8万授信即将到期 回复1延期
官方通知：您的可贷额度有变动，请点链接确认 退订回TD
【平安】提醒您：可用借款金额将下调，请及时查看http://z.cn/1，回TD退订
重要：借款限额明日更新，立即查询
尊敬的客户，您尾号8821账户的授信额度50000元将到期，点击 a.cc/1 续用（谨防诈骗）
王女士您好！鉴于您的还款表现，我司为您准备了一笔15万的信贷资金，本周内有效，需要请回1
【通知】您在我处的循环用款额度还剩最后6小时，错过需重新审核，进 s7.top
您有未使用的授信200,000元，利率低至3%，3.15前使用免首月利息，回复1
您的借款申请单已超时，系统将在今日关闭通道，请速登录完成提款
【XX金融】验证通过，您可以提取的金额为¥62,000，戳链接 t.cn/Rx
您名下30万额度已解冻，逾期未取将退回资金方，点击查看
尊享客户：信用金80000已发至您的账户，24小时内未领将收回 u8.cc
因政策调整，您的借款利率下调至3.2%，额度上涨至20万，回2了解
尊敬的用户，您的备用金额度已提至12万，点此领 y.cn/3
您的信贷名额将于明日零点释放给其他用户，如需保留请回复保留
3月15日前未使用，您的授信398000元将被取消，如需保留请回1
您好，中原消金提示：您已被纳入白名单，可享10万纯信用借款，回T退订
个人专属：最高50万，秒到账，凭身份证即可，速戳 k3.vip
您的可借余额更新为46000，请尽早支用，过时不候 回复TD退订
【提醒】您有一张5万元借款券即将过期，打开app使用
Your account has been granted a 20,000 credit increase, confirm by replying OK
You qualify for up to $10,000 cash, funds expire at midnight: http://x.io
Last reminder - credit of RMB 398,000 ends Mar 15. Text 1
Borrow quota notice: your limit is being recalculated, open http://b.cc, T to unsubscribe
Your 5,000 loan is waiting. Accept before 6pm: bit.ly/abc
The funds you requested (15,000) are ready for release, tap to confirm your bank
您好，系统核定您本月最多可周转9万元，今晚十二点后归零，要用请回复1
【急用】张总，300万纾困款批下来了，您这边什么时候方便办？回1
尊敬的用户，您的额度管家提醒：有一笔授信快过期了，点进来看看 z.cc/9
您的信用评估结果：优。匹配方案：20万/36期。立即查看 h8.vip
恭喜您获得建行快贷邀请资格，额度以实际为准，点击 x.cn 申领
您在3月15日前可随时支取398,000元，过期不再提供，回1确认
上月您未使用的额度将顺延，如需继续请回复Y，如放弃请回复N
亲，花钱不够？这里给您留了5万，秒批秒到，回1拿走
温馨提示：您预存的贷款资格今日18:00失效，速联系13812345678
通知您：398000元的信用额度3.15日停止使用，保留请回1
平台公告：所有用户借款上限将于明日统一调整，点此提前锁定 u.cc
您有1次免审提现机会未用，最高6万，戳这里
工行e贷客户您好，授信金额398000，截止3月15日，请回复1办理展期
Reply 1 before 15 March or lose your 398,000 credit
Official: borrowing quota update pending. Visit http://c.cc or send TD
Act now, 30,000 is reserved in your name, respond Y
We've upgraded what you can borrow to 40,000. See link http://d.io
Your pre-qualified amount of $12,500 will no longer be available after today. Call now
Dear user, withdrawal of your loan (50000) not completed, finish here: http://q.cc
""".splitlines()
"""Credit-limit bait in many words."""

HONEST: Final = """\
【工商银行】您的信用卡（尾号1234）额度已调整为50000元，详询95588。
【某某银行】您申请的个人贷款已审批通过，请携带身份证到网点办理签约，详询95533。
【某某银行】您尾号8888的贷款本月应还金额3,456.78元，还款日为11月25日，请保证账户余额充足。
【某消费金融】您11月应还1,200.00元，将于25日从尾号6666的账户扣款，如已还款请忽略。
【建设银行】您的账户11月22日10:22支出人民币5,000.00元，余额12,345.00元。
【平安银行】您的借款已结清，感谢您的使用。
【招商银行】您账户1234于11月22日12:00入账工资人民币8,888.00元，余额99,999.00元。
【中国移动】您的套餐流量已使用80%，剩余2.5GB，回复CXLL查询。
【中国联通】您本月话费账单88.60元，账户余额12.30元，请及时充值，以免影响使用。
【中国电信】您办理的宽带业务将于12月1日到期，续约请拨10000。
【顺丰速运】您的快件SF1234567890已由快递员张三派送，电话13800138000，请保持手机畅通。
【菜鸟驿站】您有包裹已到小区北门店，请凭6-3-1234及时取件，营业时间9:00-21:00。
【京东】您的订单已发货，预计明天送达，请注意查收。
【12306】您已成功购买11月25日G1234次列车二等座，北京南08:00开。
【南方航空】您预订的CZ3101航班因天气延误，预计起飞时间14:30，给您带来不便敬请谅解。
【东方航空】很抱歉地通知您，MU5101航班取消，可免费退票或改签，详询95530。
【某区法院】您的案件（2026）京0101民初1234号定于12月1日9时开庭，请准时到庭，书记员电话010-12345678。
【国家医保】您的医保电子凭证已激活，可在定点医院使用。
【深圳社保】您11月养老保险已缴费成功，可登录官网查询。
【某某税务】请于11月30日前完成个人所得税申报，详询12366。
【某公安局】您的身份证已制作完成，请携带领取凭证到户籍窗口领取。
【交警】您的小型汽车京A12345于11月20日在某路违法停车，请及时处理，详询12123。
【某医院】您预约的11月25日上午内科张医生门诊，请提前30分钟到院取号。
【某学校】家长您好，明日上午9点召开家长会，请准时参加。
【某培训】您报名的课程将于周六开课，请提前10分钟到达3号教室。
【腾讯科技】验证码123456，用于登录QQ，转发可能导致帐号被盗，请勿泄露。
【支付宝】您正在修改登录密码，校验码654321，请勿告知他人。
【微信支付】您的提现申请已受理，预计2小时内到账。
【某某证券】您的资金账户已开户成功，客户号12345678。
【某基金】您申购的基金已确认，确认份额1,000.00份。
【某保险】您的保单将于12月1日到期，请及时续保，详询95500。
【某物业】您的物业费1,200元已逾期，请尽快缴纳，如已缴纳请忽略。
【国家电网】您的电费余额不足20元，请及时充值。
【燃气公司】您家燃气表即将到期更换，请拨打96777预约。
【某图书馆】您借阅的图书已逾期，请尽快归还。
【某酒店】您预订的11月25日大床房已确认，地址北京路1号，电话010-12345678。
【美团】骑手已取餐，预计12:30送达，电话13800138000。
【滴滴出行】司机已到达上车点，车牌京B12345，请尽快上车。
【公积金中心】您的公积金提取申请已审核通过，金额50,000.00元将于3个工作日内到账。
【公积金中心】您的公积金贷款审批通过，贷款金额80万元，请到银行办理面签。
【某某银行】您的信用卡分期申请已通过，分12期，每期手续费率0.6%。
【浦发银行】您的信用卡积分将于12月31日到期，请登录官网兑换。
【人社局】您的职业技能提升补贴已发放至社保卡金融账户，请查收。
【教育局】招生报名将于12月1日开始，请登录教育局官网填报。
【某公司】全体员工：本周五下午3点在会议室召开年会筹备会，请准时参加。
【中国银行】为保障您的账户安全，请勿点击短信中的不明链接，如有疑问请致电95566。
【反诈中心】刷单返利都是诈骗，凡是要求垫付的都是骗子，请拨打96110。
【微众银行】您的微粒贷借款5,000.00元已到账，请查收。
【借呗】您的借呗本月待还500.00元，还款日11月20日，请按时还款。
【网商银行】您的贷款已还清，感谢使用。
【某某农商行】您的授信合同将于12月1日到期，请携带资料到网点办理续签。
Your HSBC card ending 1234 was used for HKD 500.00 at ABC STORE on 22 Nov. Call 2233 3000 if not you.
Chase: your statement is ready. Minimum payment $35 due Dec 15.
Your Lloyds account balance is £1,234.56. We'll never ask for your password.
Amazon: your package was delivered at 3:15 pm, left at the front door.
DPD: your parcel will be delivered today between 12:00 and 13:00 by John.
NHS: your appointment is on 5 December at 10:30. Reply CANCEL to cancel.
Your credit card payment of $200 was received. Available credit is $4,800.
Your loan repayment of $350.00 is due on 15 Dec. Please ensure sufficient funds.
HMRC: your Self Assessment tax return is due by 31 January. Never share your login.
Delta: flight DL123 is delayed. New departure time 5:40 pm.
Your electricity bill of $89.20 is due on Dec 1.
SBI: Rs 5,000.00 debited from A/c XX1234 on 22-Nov. Not you? Call 1800 1234.
Hi, are we still on for dinner tonight? call me when you are free
BPI: Your One-Time PIN is 123456. Do not share it with anyone.
""".splitlines()
"""What banks, carriers, shops and public bodies write to people who know them."""
