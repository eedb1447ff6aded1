/** Which world a list shows: real money, or the simulator's. */

import type { Search } from '@/shared/lib/search-string';
import type { FilterField } from '@/shared/ui/filter-bar';
import { choices, type StateWord } from '@/shared/ui/status-tag';
import { useMe } from './use-session';

export type Mode = 'live' | 'test';

/** The world that the address names; else real money, or the simulator's where there is no other. */
export function useMode(search: Partial<Search>): Mode {
  const { environment } = useMe();
  if (search.mode === 'live' || search.mode === 'test') return search.mode;
  return environment === 'production' ? 'live' : 'test';
}

/** Both worlds in words. */
export const MODE_WORDS: Readonly<Record<string, StateWord>> = {
  live: { zh: '正式', en: 'Live', tone: 'ok' },
  test: { zh: '测试', en: 'Test', tone: 'warn' },
};

/** The filter for it. */
export const MODE_FILTER: FilterField = {
  kind: 'choice',
  name: 'mode',
  label: { zh: '环境', en: 'World' },
  choices: choices(MODE_WORDS),
};
