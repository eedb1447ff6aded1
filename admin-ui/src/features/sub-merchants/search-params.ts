import { MODE_FILTER } from '@/app/session/use-mode';
import type { FilterField } from '@/shared/ui/filter-bar';
import { choices } from '@/shared/ui/status-tag';
import { MERCHANT_STATES } from './states';

export const SEARCH_NAMES = ['mode', 'state', 'tenant_id', 'cursor', 'limit'] as const;

export const FILTERS: readonly FilterField[] = [
  MODE_FILTER,
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(MERCHANT_STATES) },
  { kind: 'text', name: 'tenant_id', label: { zh: '租户编号', en: 'Tenant id' }, width: 280 },
];
