/** The sentences of the time line in Chinese, from an entry's facts; the server's own sentence is English. */
import { ALARM_KINDS } from '@/features/inbox';
import { REFUND_STATES } from '@/features/refunds';
import { ERROR_CLASSES } from '@/features/webhooks';
import type { Label } from '@/shared/lib/i18n';
import type { TimelineEntry } from './queries';
import { ORDER_STATES } from './states';

type Facts = Readonly<Record<string, unknown>>;

const PURPOSES: Record<string, string> = {
  prepay: '向微信下单',
  query_order: '向微信查询订单',
  close_order: '向微信关单',
  refund: '向微信申请退款',
  query_refund: '向微信查询退款',
  redirect_refund: '改走其他退款方式',
  certificates: '下载平台证书',
  key_test: '密钥自检',
  bill: '申请账单',
};

const SOURCES: Record<string, string> = {
  notification: '微信通知',
  query: '主动查单',
  reconciliation: '微信账单',
  api: '接口请求',
  person: '人员操作',
};

const NOTICES: Record<string, string> = {
  received: '已保存，等待处理',
  quarantined: '与订单不符，已保存但不采用',
};

const ACTS: Record<string, string> = {
  'order.queried': '人员向微信查单',
  'order.close.asked': '人员要求关闭订单',
  'order.noted': '人员添加备注',
  'refund.requested': '人员申请退款',
  'refund.queried': '人员向微信查询退款',
  'refund.redirected': '人员将退款改走其他方式',
  'approval.asked': '人员申请退款，等待第二人审批',
  'approval.approved': '人员批准他人申请的退款',
  'approval.rejected': '人员拒绝他人申请的退款',
  'late_payment.decided': '人员处置异常到账款项',
};

const GAPS: Record<string, string> = {
  notification_late: '支付后较久才收到微信通知',
  notification_missing: '未收到微信通知，由主动查单发现',
  found_in_bill: '通知与查单都未发现，由账单发现',
};

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function word(states: Readonly<Record<string, Label>>, value: unknown): string {
  return states[text(value)]?.zh ?? text(value);
}

function ofCall(facts: Facts): string | undefined {
  const purpose = PURPOSES[text(facts.purpose)];
  if (!purpose) return undefined;
  const what = Number(facts.try) > 1 ? `${purpose}（第 ${facts.try} 次）` : purpose;
  if (facts.outcome === 'tried_again') return `${what}：没有可用的应答，已立即重试`;
  if (facts.cause_zh) return `${what}：${facts.code ? `${facts.code}，` : ''}${facts.cause_zh}`;
  return facts.said ? `${what}：微信答复 ${facts.said}` : `${what}：完成`;
}

function ofNotification(facts: Facts): string {
  const known = facts.verdict === 'unchanged' ? '内容此前已知' : '已采用';
  return `收到微信通知（${facts.event_type}）：${NOTICES[text(facts.state)] ?? known}`;
}

function ofEvent(facts: Facts): string {
  const refund = text(facts.event_type).startsWith('refund.');
  const thing = refund ? '退款' : '订单';
  if (!facts.from_state) return refund && facts.source === 'person' ? '人员申请的退款已记录' : `${thing}已记录`;
  const states = refund ? REFUND_STATES : ORDER_STATES;
  const source = SOURCES[text(facts.source)] ?? '平台自身';
  return `${thing}由${word(states, facts.from_state)}变为${word(states, facts.to_state)}（来源：${source}）`;
}

function ofDelivery(facts: Facts): string {
  const result = facts.error_class ? `未成功（${word(ERROR_CLASSES, facts.error_class)}）` : `应答 ${facts.status}`;
  return `向租户投递 ${facts.event_type}，第 ${facts.number} 次：${result}`;
}

const KINDS: Record<string, (facts: Facts) => string | undefined> = {
  attempt: (facts) => `分配微信侧订单号 ${facts.out_trade_no}`,
  prepared: () => '微信已受理下单，付款人两小时内可支付',
  call: ofCall,
  notification: ofNotification,
  alarm: (facts) => `${word(ALARM_KINDS, facts.alarm)}，需服务商人员查看`,
  event: ofEvent,
  delivery_attempt: ofDelivery,
  note: (facts) => `备注：${facts.words}`,
  act: ({ action }) => ACTS[text(action)],
  gap: ({ code }) => GAPS[text(code)],
};

/** What happened, in the reader's language; what has no Chinese sentence keeps the server's. */
export function entrySentence(entry: TimelineEntry, tongue: 'zh' | 'en'): string {
  const facts = typeof entry.facts === 'object' && entry.facts !== null ? (entry.facts as Facts) : {};
  return (tongue === 'zh' ? KINDS[entry.kind]?.(facts) : undefined) ?? entry.summary;
}
