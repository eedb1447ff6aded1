import { expect, it } from 'vitest';
import { entrySentence } from './entry-words';
import type { TimelineEntry } from './queries';

function entry(kind: string, facts: Record<string, unknown>): TimelineEntry {
  return { kind, facts, summary: 'The server says so.' } as unknown as TimelineEntry;
}

it.each([
  [
    'event',
    { event_type: 'order.paid', from_state: 'paying', to_state: 'paid', source: 'query' },
    '订单由支付中变为已支付（来源：主动查单）',
  ],
  ['event', { event_type: 'refund.created' }, '退款已记录'],
  ['call', { purpose: 'prepay', try: 2, outcome: 'answered' }, '向微信下单（第 2 次）：完成'],
  [
    'call',
    { purpose: 'refund', try: 1, code: 'NOT_ENOUGH', cause_zh: '余额不足' },
    '向微信申请退款：NOT_ENOUGH，余额不足',
  ],
  [
    'notification',
    { event_type: 'TRANSACTION.SUCCESS', state: 'applied', verdict: 'paid' },
    '收到微信通知（TRANSACTION.SUCCESS）：已采用',
  ],
  [
    'delivery_attempt',
    { event_type: 'order.paid', number: 1, error_class: 'timeout' },
    '向租户投递 order.paid，第 1 次：未成功（timeout）',
  ],
])('tells %s in Chinese', (kind, facts, sentence) => {
  expect(entrySentence(entry(kind, facts), 'zh')).toBe(sentence);
  expect(entrySentence(entry(kind, facts), 'en')).toBe('The server says so.');
});

it('keeps the sentence of the server where there is no other', () => {
  expect(entrySentence(entry('something_new', {}), 'zh')).toBe('The server says so.');
});
