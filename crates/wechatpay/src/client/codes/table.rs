//! Every code that WeChat publishes: what follows from it, and what it says to a person in two languages.
//!
//! Codes of API v3, `err_code`s of v2 and `errcode`s of mini-programs never clash, so they share one table. The words
//! say what it means first and what to do second, to somebody who has not read WeChat's documents.

use super::super::Actor;
use super::{Certainty, Repeat, Verdict};

/// One code.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) code: &'static str,
    pub(super) verdict: Verdict,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
}

macro_rules! table {
    ($name:ident: $($code:literal => $certainty:ident $repeat:ident $actor:ident $zh:literal $en:literal)*) => {
        pub(super) static $name: &[Entry] = &[$(Entry {
            code: $code,
            verdict: Verdict {
                certainty: Certainty::$certainty,
                repeat: Repeat::$repeat,
                actor: Actor::$actor,
            },
            zh: $zh,
            en: $en,
        }),*];
    };
}

table! { CODES:
    // The request and who signs it.
    "PARAM_ERROR" => Definite No Platform
        "请求参数有误，detail 会指出具体字段；需修正后再发，原样重试无效。"
        "A field of the request is wrong; WeChat's detail names it. It must be mended; repeating it changes nothing."
    "INVALID_REQUEST" => Definite No Tenant
        "参数格式正确，但不符合业务规则或当前订单、商户状态；请看 message，先查询再决定。"
        "The request is well formed but breaks a business rule or does not fit the state of order or merchant; read the message and query first."
    "SIGN_ERROR" => Definite No Provider
        "服务商的请求签名未通过：商户私钥、证书序列号、APIv3 配置或服务器时间不对。"
        "The provider's signature was not accepted: private key, certificate serial, APIv3 setting or clock is wrong."
    "APPID_MCHID_NOT_MATCH" => Definite No Provider
        "appid 与商户号没有绑定关系；请在商户平台绑定 sp_appid 与服务商号、sub_appid 与子商户号。"
        "The app id is not bound to the merchant number; bind sp_appid to the provider and sub_appid to the sub-merchant in the console."
    "MCH_NOT_EXISTS" => Definite No Provider
        "商户号不存在或填写错误；请核对 sub_mchid。"
        "The merchant number does not exist; check the sub_mchid."
    "MCHID_NOT_EXIST" => Definite No Provider
        "商户号不存在或填写错误；请核对商户号。"
        "The merchant number does not exist; check it."
    "APPID_NOT_EXIST" => Definite No Provider
        "appid 不存在或填写错误；请核对配置。"
        "The app id does not exist; check the configuration."
    "NO_AUTH" => Definite No Tenant
        "没有权限：该产品未开通、子商户未授权给服务商，或账户被限制；请子商户在商户平台处理，授权后约十分钟生效。"
        "Not permitted: the product is not opened, the sub-merchant has not authorised the provider, or the account is restricted. The sub-merchant acts in the console; it takes effect after about ten minutes."
    "REQUEST_BLOCKED" => Definite No Tenant
        "请求被资金或风控规则拦截；原因见 message，由商户处理。"
        "A rule about funds or risk blocked the request; the message says why, and the merchant must act."
    "RULE_LIMIT" => Definite No Tenant
        "触发业务限制，例如金额或次数上限；请按 message 调整。"
        "A business limit was reached, such as a cap on amount or number; adjust as the message says."
    "FREQUENCY_LIMITED" => Unknown SameRequest Nobody
        "请求过于频繁；写操作可能已受理，系统会放慢并用同一单号重试。"
        "Too many requests; a write may have been accepted, and the platform repeats it more slowly under the same number."
    "SYSTEM_ERROR" => Unknown SameRequest WeChat
        "微信支付系统异常，结果未知；系统会用同一单号、相同参数重试并查询。"
        "WeChat Pay had a fault and the outcome is unknown; the platform repeats the same request under the same number and queries."
    "SERVICE_UNAVAILABLE" => Unknown SameRequest WeChat
        "微信支付暂时不可用，结果未知；系统会换域名并重试。"
        "WeChat Pay is not available for the moment and the outcome is unknown; the platform tries the other host and repeats."
    "BIZERR_NEED_RETRY" => Unknown SameRequest WeChat
        "微信支付要求重试；系统会用同一单号、相同参数再次请求。"
        "WeChat Pay asks for a repetition; the platform sends the same request under the same number."
    "NOT_FOUND" => Definite No Nobody
        "查询的资源不存在或尚未设置。"
        "What was asked for does not exist or has not been set up yet."
    "RESOURCE_NOT_EXISTS" => Definite No Nobody
        "查询的资源不存在：退款单、证书等尚未产生，或单号有误。"
        "What was asked for does not exist: a refund or certificate that is not there yet, or a wrong number."

    // Orders.
    "ORDER_PAID" => Definite No Nobody
        "订单已支付，不能再次下单或关闭；系统会查询并按已支付处理。"
        "The order is paid already and can be neither placed nor closed; the platform queries it and treats it as paid."
    "ORDER_CLOSED" => Definite No Nobody
        "订单已关闭，不能再支付；需要用新的单号下单。"
        "The order is closed and can no longer be paid; a new number is needed."
    "ORDER_NOT_EXIST" => Definite No Nobody
        "微信支付没有这个订单；下单刚超时时不算最终结论，系统会用原参数重发。"
        "WeChat Pay does not know the order; right after a prepay that timed out this is not final, and the platform sends the same bytes again."
    "OUT_TRADE_NO_USED" => Definite No Nobody
        "该商户订单号已用于其他参数的订单；系统会先查询，必要时换新单号。"
        "The order number was used with other parameters; the platform queries first and takes a new number if it must."
    "OPENID_MISMATCH" => Definite No Tenant
        "openid 与 appid 不匹配；请使用付款人在该 appid 下的 openid。"
        "The openid does not belong to the app id; use the payer's openid under that app."
    "INVALID_TRANSACTIONID" => Definite No Platform
        "微信支付订单号无效。"
        "WeChat's order number is not valid."
    "TRADE_ERROR" => Definite No Tenant
        "交易失败，例如付款人未完成验证；请看 message 并重新查询。"
        "The trade failed, for instance because the payer did not finish; read the message and query again."
    "TRADE_STATE_ERROR" => Definite No Nobody
        "订单当前状态不允许此操作；请先查询订单。"
        "The order's state does not allow this; query it first."
    "ACCOUNT_ERROR" => Definite No Tenant
        "付款人或商户账户异常；请换一种支付方式或联系账户所有人。"
        "The account of payer or merchant is not in order; pay another way, or let its owner see to it."
    "USERPAYING" => Unknown SameRequest Nobody
        "付款人正在输入密码，结果未定；系统会继续查询。"
        "The payer is entering the password and nothing is decided; the platform goes on asking."
    "BANK_ERROR" => Unknown SameRequest WeChat
        "银行系统异常，结果未知；系统会查询。"
        "The bank had a fault and the outcome is unknown; the platform queries."
    "AUTH_CODE_INVALID" => Definite No Tenant
        "付款码无效、已过期或已被使用；请付款人刷新后再扫。"
        "The payment code is invalid, expired or used; scan a fresh one."
    "AUTH_CODE_ERROR" => Definite No Tenant
        "付款码有误；请付款人刷新后再扫。"
        "The payment code is wrong; scan a fresh one."
    "AUTHCODEEXPIRE" => Definite No Tenant
        "付款码已过期；请付款人刷新后再扫。"
        "The payment code has expired; scan a fresh one."
    "NOTSUPORTCARD" => Definite No Tenant
        "付款人选择的银行卡不支持；请换卡支付。"
        "The payer's card is not supported; pay with another."
    "ORDERREVERSED" => Definite No Nobody
        "订单已撤销；需要用新的单号下单。"
        "The order was reversed; a new number is needed."
    "BUYER_MISMATCH" => Definite No Tenant
        "同一订单号由不同的付款人支付；请换新的单号。"
        "Another payer began this order; take a new number."
    "REVERSE_EXPIRE" => Definite No Tenant
        "超过七天不能撤销；请改用退款。"
        "After seven days an order cannot be reversed; refund it."

    // Refunds.
    "NOT_ENOUGH" => Definite SameRequest Tenant
        "商户可用余额不足；充值后系统可用同一退款单号重试。付款时表示付款人余额不足。"
        "The merchant's money does not suffice; after a top-up the same refund number may be tried again. In a payment it is the payer's."
    "USER_ACCOUNT_ABNORMAL" => Definite No Tenant
        "付款人账户异常或已注销，无法原路退款；请商户用其他方式退款。"
        "The payer's account is closed or not in order, so the money cannot go back the way it came; the merchant pays it back another way."
    "TRADE_OVERDUE" => Definite No Tenant
        "交易已超过可退款期限（一年）；请商户用其他方式退款。"
        "The payment is older than a year and can no longer be refunded; the merchant pays it back another way."
    "REFUND_FEE_MISMATCH" => Definite No Tenant
        "退款金额与此前用同一退款单号申请的不一致。"
        "The amount differs from what was asked for under the same refund number before."
    "ORDER_NOT_READY" => Definite SameRequest Nobody
        "订单还不能退款，通常是刚支付完；系统稍后重试。"
        "The order cannot be refunded yet, usually because it was just paid; the platform tries again later."
    "REFUNDNOTEXIST" => Definite No Nobody
        "退款单不存在；请核对退款单号。"
        "There is no such refund; check its number."
    "INVALID_REQ_TOO_MUCH" => Unknown SameRequest Nobody
        "无效请求过多，已被限制；系统至少等一分钟再试。"
        "Too many faulty requests; the platform waits a minute at least."

    // Bills.
    "STATEMENT_CREATING" => Definite SameRequest Nobody
        "账单正在生成；系统会每半小时再取一次。"
        "The bill is being made; the platform asks again every half hour."
    "NO_STATEMENT_EXIST" => Definite No Nobody
        "当天没有账单，即没有交易。"
        "There is no bill of that day: nothing was traded."
    "20002" => Definite No Nobody
        "账单不存在或尚未生成；请看说明文字。"
        "The bill does not exist or is not ready; the text says which."

    // Onboarding.
    "APPLYMENT_NOTEXIST" => Definite No Provider
        "进件申请单不存在；请核对申请单号。"
        "There is no such application; check its number."
    "PROCESSING" => Definite No Nobody
        "同一申请单号正在处理中；请先查询。"
        "An application with this code is under way; query it."

    // API v2: transport.
    "ERROR" => Definite No Platform
        "业务错误；请看说明文字并修正请求。"
        "A business fault; the text says which, and the request must be mended."
    "LACK_PARAMS" => Definite No Platform
        "缺少必填参数；需补全后再发。"
        "A required parameter is missing; the request must be mended."
    "REQUIRE_POST_METHOD" => Definite No Platform
        "必须使用 POST 方法。"
        "The method must be POST."
    "XML_FORMAT_ERROR" => Definite No Platform
        "XML 格式错误。"
        "The XML is malformed."
    "POST_DATA_EMPTY" => Definite No Platform
        "请求体为空。"
        "The body is empty."
    "NOT_UTF8" => Definite No Platform
        "请求编码不是 UTF-8。"
        "The request is not in UTF-8."

    // Mini-programs: login and tokens.
    "-1" => Unknown SameRequest WeChat
        "微信系统繁忙；登录凭证可能已被消耗，若再次失败请重新 wx.login。"
        "WeChat is busy; the login code may be used up, so log in again if the repetition fails."
    "40029" => Definite No Nobody
        "登录凭证 code 无效、已过期或属于其他小程序；请用户重新 wx.login。"
        "The login code is invalid, expired or of another app; the user logs in again."
    "40163" => Definite No Nobody
        "登录凭证 code 已被使用，通常是重复提交；请用户重新 wx.login。"
        "The login code was used before, usually by a double submit; the user logs in again."
    "45011" => Unknown SameRequest Nobody
        "该用户登录过于频繁；请稍后再试。"
        "The user logs in too often; try again later."
    "40226" => Definite No Nobody
        "微信判定该用户为高风险，拒绝登录；不要重试。"
        "WeChat refuses this user as a risk; do not repeat."
    "40013" => Definite No Tenant
        "小程序 appid 无效；请核对配置。"
        "The app id is not valid; check the configuration."
    "40125" => Definite No Tenant
        "小程序 AppSecret 无效，可能已被重置；请更新配置。"
        "The AppSecret is not valid, perhaps because it was reset; configure the new one."
    "41002" => Definite No Platform
        "请求缺少 appid。"
        "The app id is missing from the request."
    "41004" => Definite No Platform
        "请求缺少 AppSecret。"
        "The AppSecret is missing from the request."
    "41008" => Definite No Platform
        "请求缺少登录凭证 code。"
        "The login code is missing from the request."
    "61003" => Definite No Tenant
        "小程序未授权给第三方平台；请管理员授权。"
        "The mini-program has not authorised the third-party platform; its administrator must."
    "87009" => Definite No Nobody
        "会话签名无效，session_key 已失效；请用户重新登录。"
        "The session's signature is not valid, its key has ended; the user logs in again."
    "40001" => Definite SameRequest Platform
        "access_token 无效或 AppSecret 错误；需重新获取 access_token。"
        "The access token is not valid, or the AppSecret is wrong; a new token is needed."
    "42001" => Definite SameRequest Platform
        "access_token 已过期；需重新获取。"
        "The access token has expired; a new one is needed."
    "40164" => Definite No Tenant
        "调用方 IP 不在白名单；请在公众平台添加服务器 IP。"
        "The caller's address is not on the account's list; add the server's address in the console."
    "45009" => Definite SameRequest Nobody
        "接口调用超过配额；请稍后再试。"
        "The quota of the interface is used up; try again later."
    "89503" => Definite SameRequest Tenant
        "此次调用需要管理员确认；请小程序管理员在微信中确认。"
        "The call needs the administrator's consent; the mini-program's administrator confirms it in WeChat."
    "89507" => Definite No Tenant
        "管理员拒绝了此次调用。"
        "The administrator refused the call."

    // Mini-programs: shipping information.
    "10060001" => Definite SameRequest Tenant
        "支付单不存在：单号或商户号不对，或刚支付需等一分钟，或订单不属于该小程序。"
        "There is no such payment: wrong number or merchant, paid less than a minute ago, or of another mini-program."
    "10060002" => Definite No Nobody
        "支付单已完成发货。"
        "The order is shipped completely already."
    "10060003" => Definite No Nobody
        "重新发货的机会已用完。"
        "The one chance to ship again is used up."
    "10060004" => Definite No Tenant
        "支付单处于不可发货的状态，例如已退款。"
        "The order is in a state that cannot be shipped, such as refunded."
    "10060019" => Definite SameRequest Nobody
        "写入冲突；稍后重试。"
        "Two writes met; repeat it."
    "10060031" => Definite No Tenant
        "openid 不是该笔支付的付款人。"
        "The openid is not the payer's."
    "47001" => Definite No Platform
        "数据格式错误。"
        "The data is malformed."
    "48001" => Definite No Tenant
        "账号没有该接口的权限或未开通服务。"
        "The account lacks the permission, or the service is not opened."
    "268485216" => Definite No Platform
        "发货信息字段有误；请看 errmsg。"
        "A field of the shipping information is wrong; errmsg says which."
    "268485224" => Definite No Platform
        "发货信息字段有误；请看 errmsg。"
        "A field of the shipping information is wrong; errmsg says which."
}

/// What WeChat's internal number behind the last `-` of a `Request-ID` says. It decides nothing: the numbers are
/// observed and not promised.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) digits: &'static str,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
}

macro_rules! numbers {
    ($name:ident: $($number:literal $zh:literal $en:literal)*) => {
        pub(super) static $name: &[Number] = &[$(Number { digits: $number, zh: $zh, en: $en }),*];
    };
}

// These say more than the code that they come with.
numbers! { NUMBERS:
    "268512771"
        "微信支付没有这个订单。"
        "WeChat Pay does not know the order."
    "268449538"
        "订单已支付。"
        "The order is paid already."
    "268498689"
        "订单已支付。"
        "The order is paid already."
    "268498688"
        "同一单号再次下单，但参数与第一次不同。"
        "The same number was sent again with other parameters."
    "270924358"
        "请求带有未定义的参数。"
        "The request has a parameter that WeChat does not define."
    "268443715"
        "商户号不可用或状态异常；请子商户在商户平台查看。"
        "The merchant number is not available or not in order; the sub-merchant looks into the console."
    "268447843"
        "商户号与订单不匹配。"
        "The merchant number is not the order's."
    "268447845"
        "子商户号与订单不匹配。"
        "The sub-merchant number is not the order's."
    "268443705"
        "子商户号与服务商号相同。"
        "The sub-merchant number is the provider's own."
    "268443704"
        "服务商下单必须传子商户号。"
        "A provider must name a sub-merchant."
    "268443701"
        "受理关系不存在：该子商户不在（或已不在）本服务商名下；请子商户确认授权关系。"
        "The sub-merchant is not, or no longer, under this provider; it must confirm the relation."
    "268445527"
        "appid 与商户号没有绑定关系。"
        "The app id is not bound to the merchant number."
    "268447914"
        "订单已过期或无效；需要用新的单号下单。"
        "The order has expired or is not valid; a new number is needed."
    "268448010"
        "商户的收款功能被限制；请子商户在商户平台解除。"
        "The merchant may not take payments for the moment; it must have the restriction lifted in the console."
    "268449641"
        "付款码订单不能关闭，只能撤销。"
        "An order of a payment code cannot be closed, only reversed."
    "268501013"
        "JSAPI 下单缺少付款人的 openid。"
        "The order lacks the payer's openid."
}

// These come with any code and say less than most.
numbers! { BROAD_NUMBERS:
    "268447840"
        "请求过于频繁。"
        "Too many requests."
    "268435461"
        "参数不合法。"
        "A parameter is not legal."
    "268435464"
        "参数值超出范围。"
        "A parameter is out of range."
    "268443699"
        "签名错误。"
        "The signature is wrong."
}
