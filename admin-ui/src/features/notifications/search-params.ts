import type { FilterField } from '@/shared/ui/filter-bar';
import { choices } from '@/shared/ui/status-tag';
import { NOTIFICATION_STATES } from './states';

export const SEARCH_NAMES = [
  'state',
  'event_type',
  'notice_id',
  'order_id',
  'provider_id',
  'from',
  'to',
  'cursor',
  'limit',
] as const;

export const FILTERS: readonly FilterField[] = [
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(NOTIFICATION_STATES) },
  { kind: 'text', name: 'event_type', label: { zh: '类型', en: 'Type' }, width: 190 },
  { kind: 'text', name: 'notice_id', label: { zh: '微信通知编号', en: "WeChat's id" }, width: 240 },
  { kind: 'text', name: 'order_id', label: { zh: '订单编号', en: 'Order id' }, width: 240 },
  { kind: 'days', name: 'from', end: 'to', label: { zh: '接收时间', en: 'Received' }, window: true },
];
