//! The bodies of WeChat's endpoints as the partner documents list them: members, lengths, what is required.

use super::schema::{Kind, Member, optional, required};

const NUMBER_CHARACTERS: &str = "_-|*";
const REFUND_NUMBER_CHARACTERS: &str = "_-|*@";
const GOODS_CHARACTERS: &str = "_-";

/// Partner docs: JSAPI and mini-program order.
pub(crate) const JSAPI: &[Member] = &[
    required("sp_appid", Kind::Text(1, 32)),
    required("sp_mchid", Kind::Text(1, 32)),
    optional("sub_appid", Kind::Text(1, 32)),
    required("sub_mchid", Kind::Text(1, 32)),
    required("description", Kind::Text(1, 127)),
    required(
        "out_trade_no",
        Kind::Token {
            min: 6,
            max: 32,
            extra: NUMBER_CHARACTERS,
        },
    ),
    optional("time_expire", Kind::Text(1, 64)),
    optional("attach", Kind::Text(0, 128)),
    required("notify_url", Kind::Text(1, 255)),
    optional("goods_tag", Kind::Text(0, 32)),
    optional(
        "settle_info",
        Kind::Object(&[optional("profit_sharing", Kind::Boolean)]),
    ),
    optional("support_fapiao", Kind::Boolean),
    optional("limit_pay", Kind::Array(&LIMIT_PAY, 0, 8)),
    required("amount", Kind::Object(ORDER_AMOUNT)),
    required("payer", Kind::Object(PAYER)),
    optional("detail", Kind::Object(DETAIL)),
    optional("scene_info", Kind::Object(SCENE)),
];

const LIMIT_PAY: Kind = Kind::Word(&["no_balance", "no_credit", "no_debit", "balance_only"]);

const ORDER_AMOUNT: &[Member] = &[
    required("total", Kind::Integer(1)),
    optional("currency", Kind::Word(&["CNY"])),
];

const PAYER: &[Member] = &[
    optional("sp_openid", Kind::Text(1, 128)),
    optional("sub_openid", Kind::Text(1, 128)),
];

const DETAIL: &[Member] = &[
    optional("cost_price", Kind::Integer(0)),
    optional("invoice_id", Kind::Text(0, 32)),
    optional("goods_detail", Kind::Array(&GOODS, 1, 6000)),
];

const GOODS: Kind = Kind::Object(&[
    required(
        "merchant_goods_id",
        Kind::Token {
            min: 1,
            max: 32,
            extra: GOODS_CHARACTERS,
        },
    ),
    optional("wechatpay_goods_id", Kind::Text(0, 32)),
    optional("goods_name", Kind::Text(0, 256)),
    required("quantity", Kind::Integer(1)),
    required("unit_price", Kind::Integer(0)),
]);

const SCENE: &[Member] = &[
    required("payer_client_ip", Kind::Text(1, 45)),
    optional("device_id", Kind::Text(0, 32)),
    optional("store_info", Kind::Object(STORE)),
];

const STORE: &[Member] = &[
    required("id", Kind::Text(1, 32)),
    optional("name", Kind::Text(0, 256)),
    optional("area_code", Kind::Text(0, 32)),
    optional("address", Kind::Text(0, 512)),
];

/// Partner docs: close order.
pub(crate) const CLOSE: &[Member] = &[
    required("sp_mchid", Kind::Text(1, 32)),
    required("sub_mchid", Kind::Text(1, 32)),
];

/// Partner docs: refund.
pub(crate) const REFUND: &[Member] = &[
    required("sub_mchid", Kind::Text(1, 32)),
    optional("transaction_id", Kind::Text(1, 32)),
    optional(
        "out_trade_no",
        Kind::Token {
            min: 6,
            max: 32,
            extra: NUMBER_CHARACTERS,
        },
    ),
    required(
        "out_refund_no",
        Kind::Token {
            min: 1,
            max: 64,
            extra: REFUND_NUMBER_CHARACTERS,
        },
    ),
    optional("reason", Kind::Text(0, 80)),
    optional("notify_url", Kind::Text(1, 256)),
    optional("funds_account", Kind::Word(&["AVAILABLE", "UNSETTLED"])),
    required("amount", Kind::Object(REFUND_AMOUNT)),
    optional("goods_detail", Kind::Array(&REFUND_GOODS, 1, 6000)),
];

const REFUND_AMOUNT: &[Member] = &[
    required("refund", Kind::Integer(1)),
    required("total", Kind::Integer(1)),
    required("currency", Kind::Word(&["CNY"])),
    optional("from", Kind::Array(&REFUND_FROM, 1, 8)),
];

const REFUND_FROM: Kind = Kind::Object(&[
    required("account", Kind::Word(&["AVAILABLE", "UNAVAILABLE"])),
    required("amount", Kind::Integer(1)),
]);

const REFUND_GOODS: Kind = Kind::Object(&[
    required(
        "merchant_goods_id",
        Kind::Token {
            min: 1,
            max: 32,
            extra: GOODS_CHARACTERS,
        },
    ),
    optional("wechatpay_goods_id", Kind::Text(0, 32)),
    optional("goods_name", Kind::Text(0, 256)),
    required("unit_price", Kind::Integer(0)),
    required("refund_amount", Kind::Integer(0)),
    required("refund_quantity", Kind::Integer(1)),
]);

/// Partner docs: abnormal refund.
pub(crate) const ABNORMAL_REFUND: &[Member] = &[
    required("sub_mchid", Kind::Text(1, 32)),
    required(
        "out_refund_no",
        Kind::Token {
            min: 1,
            max: 64,
            extra: REFUND_NUMBER_CHARACTERS,
        },
    ),
    required(
        "type",
        Kind::Word(&["USER_BANK_CARD", "MERCHANT_BANK_CARD"]),
    ),
    optional("bank_type", Kind::Word(REFUND_BANKS)),
    optional("bank_account", Kind::Text(1, 1024)),
    optional("real_name", Kind::Text(1, 1024)),
];

const REFUND_BANKS: &[&str] = &[
    "CMB_DEBIT",
    "COMM_DEBIT",
    "ABC_DEBIT",
    "CCB_DEBIT",
    "ICBC_DEBIT",
    "BOC_DEBIT",
    "PAB_DEBIT",
    "SPDB_DEBIT",
    "CITIC_DEBIT",
    "CEB_DEBIT",
    "CMBC_DEBIT",
    "CIB_DEBIT",
    "GDB_DEBIT",
    "PSBC_DEBIT",
    "NBCB_DEBIT",
];

/// Security self-test.
pub(crate) const ECHO: &[Member] = &[
    required("echo_message", Kind::Text(1, 1024)),
    optional("encrypted_echo_message", Kind::Text(1, 1024)),
    optional("notify_url", Kind::Text(1, 255)),
];
