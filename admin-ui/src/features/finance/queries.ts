import { useQueryClient } from '@tanstack/react-query';
import type { components } from '@/api/schema';

export type Day = components['schemas']['ReconciledDay'];
export type Figures = components['schemas']['DayFigures'];
export type Difference = components['schemas']['DiscrepancyObject'];
export type Bill = components['schemas']['BillObject'];

/** After an act, whatever shows days, differences or bills asks again. */
export function useFinanceChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) => /^\/admin\/v1\/(reconciliation|discrepancies|bills|jobs)/.test(String(queryKey[1])),
    });
}
