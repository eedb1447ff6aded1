/** The span of a list: the days that the address names, or the last seven, which the filters show as a chip. */
import type { Search } from './search-string';
import { addDays, beijingDay, type Day, endOfDay, isDay, startOfDay } from './time';

const DEFAULT_DAYS = 7;

/** The moments that the API takes: from the start of the first day until before the day after the last. */
export function windowOf(search: Partial<Search>, today: Day = beijingDay(Date.now())): { from?: string; to?: string } {
  const from = search.from && isDay(search.from) ? search.from : undefined;
  const to = search.to && isDay(search.to) ? search.to : undefined;
  if (!from && !to) return { from: startOfDay(addDays(today, 1 - DEFAULT_DAYS)) };
  return { from: from && startOfDay(from), to: to && endOfDay(to) };
}
