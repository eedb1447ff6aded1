import type { FilterField } from '@/shared/ui/filter-bar';
import { choices } from '@/shared/ui/status-tag';
import { TENANT_STATES } from './states';

export const SEARCH_NAMES = ['state', 'name', 'cursor', 'limit'] as const;

export const FILTERS: readonly FilterField[] = [
  { kind: 'text', name: 'name', label: { zh: '名称', en: 'Name' }, width: 220 },
  { kind: 'choice', name: 'state', label: { zh: '状态', en: 'State' }, choices: choices(TENANT_STATES) },
];
