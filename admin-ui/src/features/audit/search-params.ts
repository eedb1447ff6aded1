import type { FilterField } from '@/shared/ui/filter-bar';

export const SEARCH_NAMES = ['actor', 'action', 'target', 'tenant_id', 'from', 'to', 'cursor', 'limit'] as const;

export const FILTERS: readonly FilterField[] = [
  { kind: 'text', name: 'actor', label: { zh: '操作人', en: 'Who' }, width: 240 },
  { kind: 'text', name: 'action', label: { zh: '操作', en: 'Action' }, width: 180 },
  { kind: 'text', name: 'target', label: { zh: '对象', en: 'About' }, width: 260 },
  { kind: 'text', name: 'tenant_id', label: { zh: '租户编号', en: 'Tenant id' }, width: 240 },
  { kind: 'days', name: 'from', end: 'to', label: { zh: '时间', en: 'Time' }, window: false },
];
