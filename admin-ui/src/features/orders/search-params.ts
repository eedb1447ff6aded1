import { MODE_FILTER } from '@/app/session/use-mode';
import type { FilterField } from '@/shared/ui/filter-bar';
import type { BuiltInView } from '@/shared/ui/saved-views';
import { choices } from '@/shared/ui/status-tag';
import { ORDER_STATES, PROBLEMS, REFUND_SHARES, TOLD_STATES } from './states';

/** What the address of the list may say, by the API's names; days stand for the moments at which they begin and end. */
export const SEARCH_NAMES = [
  'mode',
  'number',
  'state',
  'time',
  'from',
  'to',
  'tenant_id',
  'sub_mchid',
  'problem',
  'refunds',
  'webhook',
  'payer_hash',
  'cursor',
  'limit',
] as const;

/** What the address of one order may say. */
export const ORDER_NAMES = ['tab', 'lane', 'only'] as const;

export const FILTERS: readonly FilterField[] = [
  MODE_FILTER,
  { kind: 'text', name: 'number', label: { zh: '任意单号', en: 'Any number' }, width: 260 },
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(ORDER_STATES) },
  { kind: 'choice', name: 'problem', label: { zh: '问题', en: 'Problem' }, choices: choices(PROBLEMS) },
  { kind: 'choice', name: 'webhook', label: { zh: '投递', en: 'Webhook' }, choices: choices(TOLD_STATES) },
  { kind: 'choice', name: 'refunds', label: { zh: '退款', en: 'Refunds' }, choices: choices(REFUND_SHARES) },
  { kind: 'text', name: 'sub_mchid', label: { zh: '特约商户号', en: 'Sub-merchant number' }, width: 170 },
  { kind: 'text', name: 'tenant_id', label: { zh: '租户编号', en: 'Tenant id' }, width: 180 },
  { kind: 'text', name: 'payer_hash', label: { zh: '付款人标识', en: 'Payer hash' }, width: 150 },
  {
    kind: 'choice',
    name: 'time',
    label: { zh: '时间按', en: 'By time of' },
    choices: [
      { value: 'created', zh: '下单', en: 'Order' },
      { value: 'paid', zh: '支付', en: 'Payment' },
    ],
  },
  { kind: 'days', name: 'from', end: 'to', label: { zh: '时间', en: 'Time' }, window: true },
];

/** What people look at every day. */
export const VIEWS: readonly BuiltInView[] = [
  { zh: '有问题的订单', en: 'Orders with a problem', search: { problem: 'any' } },
  { zh: '已付款但租户未收到', en: 'Paid, and the tenant not told', search: { problem: 'undelivered' } },
  { zh: '待处置款项', en: 'Held money', search: { problem: 'held' } },
];
