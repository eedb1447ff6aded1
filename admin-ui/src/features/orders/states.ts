import type { Label } from '@/shared/lib/i18n';
import type { StateWord } from '@/shared/ui/status-tag';

/** Where an order stands. */
export const ORDER_STATES: Record<string, StateWord> = {
  created: { zh: '待支付', en: 'Created', tone: 'wait' },
  paying: { zh: '支付中', en: 'Paying', tone: 'wait' },
  unknown: { zh: '核实中', en: 'Being verified', tone: 'warn' },
  closing: { zh: '关闭中', en: 'Closing', tone: 'wait' },
  closed: { zh: '已关闭', en: 'Closed', tone: 'idle' },
  held: { zh: '待处置', en: 'Held', tone: 'bad' },
  paid: { zh: '已支付', en: 'Paid', tone: 'ok' },
  refunding: { zh: '退款中', en: 'Refunding', tone: 'wait' },
  partially_refunded: { zh: '部分退款', en: 'Partly refunded', tone: 'warn' },
  refunded: { zh: '已退款', en: 'Refunded', tone: 'warn' },
};

/** Whether the tenant was told. */
export const TOLD_STATES: Record<string, StateWord> = {
  delivered: { zh: '已送达', en: 'Delivered', tone: 'ok' },
  waiting: { zh: '投递中', en: 'On its way', tone: 'wait' },
  failed: { zh: '投递失败', en: 'Failed', tone: 'bad' },
  none: { zh: '无投递', en: 'None', tone: 'idle' },
};

/** What is wrong with an order, and the one next step. */
export const PROBLEMS: Record<string, Label & { readonly next: Label }> = {
  any: { zh: '任意问题', en: 'Any problem', next: { zh: '', en: '' } },
  unknown: {
    zh: '结果未知，正在向微信核实',
    en: 'The outcome is unknown and is being verified at WeChat',
    next: { zh: '等待自动核实，或点“向微信查单”。', en: 'Wait for the check, or ask WeChat now.' },
  },
  held: {
    zh: '有款项待处置',
    en: 'Money is held',
    next: { zh: '在“迟到款项”中决定接受或退回。', en: 'Decide below whether it is accepted or goes back.' },
  },
  paid_late: {
    zh: '关闭后才支付',
    en: 'Paid after it was closed',
    next: { zh: '查看下方迟到款项的处置。', en: 'See what became of the late money below.' },
  },
  duplicate_paid: {
    zh: '重复支付',
    en: 'Paid twice',
    next: { zh: '查看下方重复款项的处置。', en: 'See what became of the second payment below.' },
  },
  amount_mismatch: {
    zh: '支付金额与订单不符',
    en: 'Another amount was paid',
    next: { zh: '核对金额后决定接受或退回。', en: 'Compare the amounts, then accept it or give it back.' },
  },
  undelivered: {
    zh: '租户尚未收到支付结果',
    en: 'The tenant was not told of the payment',
    next: { zh: '查看时间线中的投递失败原因，必要时重放。', en: 'Look at the failed deliveries and replay one.' },
  },
  unmatched_in_bill: {
    zh: '账单中没有对上',
    en: 'Unmatched in the bill',
    next: { zh: '到对账页查看差异。', en: 'Look at the difference in the reconciliation.' },
  },
  found_by_query: {
    zh: '未收到通知，由主动查单发现',
    en: 'Found by our own query, not by a notification',
    next: { zh: '若频繁出现，请检查通知地址。', en: 'If this happens often, check the address of notifications.' },
  },
};

/** How much of it went back. */
export const REFUND_SHARES: Record<string, Label> = {
  none: { zh: '未退款', en: 'Nothing' },
  under_way: { zh: '退款中', en: 'Under way' },
  part: { zh: '部分退款', en: 'A part' },
  whole: { zh: '全额退款', en: 'All of it' },
};

/** Where a prepay stands at WeChat. */
export const ATTEMPT_STATES: Record<string, StateWord> = {
  new: { zh: '新建', en: 'New', tone: 'wait' },
  sent: { zh: '已发送', en: 'Sent', tone: 'wait' },
  unknown: { zh: '核实中', en: 'Being verified', tone: 'warn' },
  prepared: { zh: '已下单', en: 'Prepared', tone: 'wait' },
  success: { zh: '成功', en: 'Success', tone: 'ok' },
  closed: { zh: '已关闭', en: 'Closed', tone: 'idle' },
  expired: { zh: '已过期', en: 'Expired', tone: 'idle' },
  rejected: { zh: '被拒绝', en: 'Rejected', tone: 'bad' },
};

/** What kind of money came late. */
export const LATE_KINDS: Record<string, Label> = {
  paid_late: { zh: '关闭后支付', en: 'Paid after the close' },
  duplicate_paid: { zh: '重复支付', en: 'Paid twice' },
  amount_mismatch: { zh: '金额不符', en: 'Another amount' },
};

/** What becomes of it. */
export const LATE_STATES: Record<string, StateWord> = {
  held: { zh: '待处置', en: 'Held', tone: 'bad' },
  accepted: { zh: '已接受', en: 'Accepted', tone: 'ok' },
  refunding: { zh: '退回中', en: 'Going back', tone: 'wait' },
  refunded: { zh: '已退回', en: 'Given back', tone: 'warn' },
};

/** Who did something, on the time line. */
export const LANES: Record<string, Label> = {
  tenant: { zh: '租户', en: 'Tenant' },
  platform: { zh: '平台', en: 'Platform' },
  wechat: { zh: '微信', en: 'WeChat' },
  staff: { zh: '人员', en: 'People' },
};

/** WeChat's own words for where a payment stands (partner documents: query an order). */
export const TRADE_STATES: Record<string, Label> = {
  SUCCESS: { zh: '支付成功', en: 'paid' },
  REFUND: { zh: '转入退款', en: 'refunded' },
  NOTPAY: { zh: '未支付', en: 'not paid' },
  CLOSED: { zh: '已关闭', en: 'closed' },
  REVOKED: { zh: '已撤销', en: 'revoked' },
  USERPAYING: { zh: '支付中', en: 'being paid' },
  PAYERROR: { zh: '支付失败', en: 'failed' },
  ACCEPT: { zh: '已接收，等待扣款', en: 'accepted' },
};
