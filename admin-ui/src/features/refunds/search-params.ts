import { MODE_FILTER } from '@/app/session/use-mode';
import type { FilterField } from '@/shared/ui/filter-bar';
import { choices } from '@/shared/ui/status-tag';
import { ORIGINS, REFUND_STATES } from './states';

export const SEARCH_NAMES = [
  'mode',
  'state',
  'origin',
  'from',
  'to',
  'tenant_id',
  'sub_mchid',
  'cursor',
  'limit',
] as const;

export const FILTERS: readonly FilterField[] = [
  MODE_FILTER,
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(REFUND_STATES) },
  { kind: 'choice', name: 'origin', label: { zh: '来源', en: 'Asked by' }, choices: choices(ORIGINS) },
  { kind: 'text', name: 'sub_mchid', label: { zh: '特约商户号', en: 'Sub-merchant number' }, width: 170 },
  { kind: 'text', name: 'tenant_id', label: { zh: '租户编号', en: 'Tenant id' }, width: 180 },
  { kind: 'days', name: 'from', end: 'to', label: { zh: '申请时间', en: 'Asked for' }, window: true },
];
