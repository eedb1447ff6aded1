import type { components } from '@/api/schema';
import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** What is asked for. */
export const APPROVAL_KINDS: Record<components['schemas']['ApprovalKind'], Label> = {
  refund_above_limit: { zh: '超额退款', en: 'Refund above the limit' },
  grant_owner: { zh: '授予平台所有者', en: 'Grant ownership' },
};

/** What is wrong, by the server's codes; a new code shows itself. */
export const ALARM_KINDS: Readonly<Record<string, Label>> = {
  paid_late: { zh: '关闭后支付', en: 'Paid after the close' },
  duplicate_paid: { zh: '重复支付', en: 'Paid twice' },
  amount_mismatch: { zh: '支付金额与订单不符', en: 'Another amount was paid' },
  refund_abnormal: { zh: '退款异常', en: 'A refund is abnormal' },
  refund_closed: { zh: '退款被关闭', en: 'A refund was closed' },
  bill_lacks_it: { zh: '账单中没有这笔支付', en: 'The bill lacks a payment' },
  bill_unknown_payment: { zh: '账单中有未知支付', en: 'An unknown payment in the bill' },
  bill_payment_amount: { zh: '账单支付金额不符', en: 'Another amount in the bill' },
  bill_unknown_refund: { zh: '账单中有未知退款', en: 'An unknown refund in the bill' },
  bill_refund_amount: { zh: '账单退款金额不符', en: 'Another refund in the bill' },
  bill_sub_merchant: { zh: '账单归属不符', en: 'Another sub-merchant in the bill' },
  bill_duplicate: { zh: '账单中单号重复', en: 'A number twice in the bill' },
  bill_integrity: { zh: '账单损坏', en: 'A broken bill' },
  fund_flow_unavailable: { zh: '资金账单无法下载', en: 'A fund flow cannot be fetched' },
  fund_flow_too_long: { zh: '资金账单过长', en: 'A fund flow is too long' },
  reconciliation_equation: { zh: '账不平', en: 'The sums disagree' },
  bill_unavailable: { zh: '账单无法下载', en: 'A bill cannot be fetched' },
  bill_fund_flow: { zh: '资金流水不符', en: 'An account moved otherwise' },
  trial_balance: { zh: '账不平', en: 'The sums disagree' },
  refund_unreadable: { zh: '退款通知无法读取', en: 'A refund cannot be read' },
  refund_of_unpaid_order: { zh: '未支付订单出现退款', en: 'A refund of an unpaid order' },
  refund_after_refusal: { zh: '被拒绝的退款仍然发生', en: 'A refused refund took place' },
  refund_payment_mismatch: { zh: '退款与支付不符', en: 'A refund of another payment' },
  sp_mchid_mismatch: { zh: '服务商号不符', en: 'Another provider number' },
  sub_mchid_mismatch: { zh: '特约商户号不符', en: 'Another sub-merchant number' },
  appid_mismatch: { zh: 'AppID 不符', en: 'Another app id' },
  currency_mismatch: { zh: '币种不符', en: 'Another currency' },
  missing_field: { zh: '微信应答缺少字段', en: "A field is missing from WeChat's word" },
  closed_after_paid: { zh: '已支付后微信称已关闭', en: 'Closed after it was paid' },
  unknown_trade_state: { zh: '未知的微信状态', en: 'An unknown state at WeChat' },
  key_expiring: { zh: '密钥即将到期', en: 'A key ends soon' },
  key_test_failed: { zh: '密钥自检未通过', en: 'A self-test failed' },
  unknown_serial: { zh: '未知的微信密钥序列号', en: 'An unknown serial of WeChat' },
  clock_skew: { zh: '服务器时钟偏差', en: 'The clock is off' },
  delivery_quarantined: { zh: '投递被隔离', en: 'A delivery is quarantined' },
  notification_undecryptable: { zh: '微信通知无法解密', en: 'A notification cannot be decrypted' },
  notification_unreadable: { zh: '微信通知无法读取', en: 'A notification cannot be read' },
  notification_unsupported_kind: { zh: '不支持的微信通知', en: 'A notification of an unknown kind' },
  notification_not_applied: { zh: '微信通知未采用', en: 'A notification was not applied' },
};

/** What an alarm names, by the server's fields; the others are shown in its raw data. */
export const ALARM_FACTS: Readonly<Record<string, Label>> = {
  date: { zh: '账单日', en: 'day' },
  class: { zh: '差异', en: 'difference' },
  serial: { zh: '序列号', en: 'serial' },
  ends_at: { zh: '到期', en: 'ends' },
  event_type: { zh: '类型', en: 'type' },
  total: { zh: '金额', en: 'amount' },
  transaction_id: { zh: '微信订单号', en: 'transaction' },
  refund_id: { zh: '退款', en: 'refund' },
  notification_id: { zh: '微信通知', en: 'notification' },
  delivery_id: { zh: '投递', en: 'delivery' },
};

/** Where a request stands. */
export const APPROVAL_STATES: Record<components['schemas']['ApprovalState'], StateWord> = {
  pending: { zh: '待审批', en: 'Pending', tone: 'wait' },
  approved: { zh: '已批准', en: 'Approved', tone: 'wait' },
  done: { zh: '已执行', en: 'Carried out', tone: 'ok' },
  failed: { zh: '执行失败', en: 'Failed', tone: 'bad' },
  rejected: { zh: '已拒绝', en: 'Rejected', tone: 'idle' },
  expired: { zh: '已过期', en: 'Expired', tone: 'idle' },
};
