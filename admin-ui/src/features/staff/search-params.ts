import type { FilterField } from '@/shared/ui/filter-bar';
import { choices } from '@/shared/ui/status-tag';
import { STAFF_STATES } from './states';

/** What the address of the list may say. */
export const SEARCH_NAMES = ['state', 'tenant_id', 'cursor', 'limit'] as const;

/** The filters, by the API's names. */
export const FILTERS: readonly FilterField[] = [
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(STAFF_STATES) },
  { kind: 'text', name: 'tenant_id', label: { zh: '租户编号 ten_…', en: 'Tenant id ten_…' }, width: 280 },
];
