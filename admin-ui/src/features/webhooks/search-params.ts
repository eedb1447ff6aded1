import { MODE_FILTER } from '@/app/session/use-mode';
import type { FilterField } from '@/shared/ui/filter-bar';
import { choices } from '@/shared/ui/status-tag';
import { DELIVERY_STATES, ENDPOINT_STATES } from './states';

export const DELIVERY_NAMES = [
  'mode',
  'state',
  'event_type',
  'endpoint_id',
  'subject_id',
  'event_id',
  'tenant_id',
  'from',
  'to',
  'cursor',
  'limit',
] as const;

export const ENDPOINT_NAMES = ['mode', 'state', 'host', 'tenant_id', 'cursor', 'limit'] as const;

export const DELIVERY_FILTERS: readonly FilterField[] = [
  MODE_FILTER,
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(DELIVERY_STATES) },
  { kind: 'text', name: 'event_type', label: { zh: '事件类型', en: 'Event type' }, width: 170 },
  { kind: 'text', name: 'subject_id', label: { zh: '订单或退款编号', en: 'Order or refund id' }, width: 240 },
  { kind: 'text', name: 'endpoint_id', label: { zh: '端点编号', en: 'Endpoint id' }, width: 240 },
  { kind: 'text', name: 'event_id', label: { zh: '事件编号', en: 'Event id' }, width: 240 },
  { kind: 'text', name: 'tenant_id', label: { zh: '租户编号', en: 'Tenant id' }, width: 200 },
  { kind: 'days', name: 'from', end: 'to', label: { zh: '时间', en: 'Time' }, window: true },
];

export const ENDPOINT_FILTERS: readonly FilterField[] = [
  MODE_FILTER,
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(ENDPOINT_STATES) },
  { kind: 'text', name: 'host', label: { zh: '域名', en: 'Host' }, width: 220 },
  { kind: 'text', name: 'tenant_id', label: { zh: '租户编号', en: 'Tenant id' }, width: 220 },
];
