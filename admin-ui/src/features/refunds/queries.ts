import { useQueryClient } from '@tanstack/react-query';
import { $api } from '@/api/client';
import { useAskedEvery } from '@/api/live';
import type { components, paths } from '@/api/schema';
import type { Mode } from '@/app/session/use-mode';
import type { Search } from '@/shared/lib/search-string';
import { windowOf } from '@/shared/lib/window';
import { pageSize } from '@/shared/ui/pager';

export type ListedRefund = components['schemas']['ListedStaffRefund'];
export type RefundPage = components['schemas']['StaffRefundPage'];
export type Refund = components['schemas']['StaffRefund'];
type Listed = NonNullable<paths['/admin/v1/refunds/export']['post']['parameters']['query']>;
type Filter = NonNullable<paths['/admin/v1/refunds/summary']['get']['parameters']['query']>;

const LIVE_MS = 5_000;
const OPEN_STATES = new Set(['requested', 'sent', 'unknown', 'processing']);

function filterOf(search: Partial<Search>, mode: Mode): Filter {
  return {
    mode,
    state: search.state,
    tenant_id: search.tenant_id,
    sub_mchid: search.sub_mchid,
    ...windowOf(search),
  } as Filter;
}

/** Which refunds are listed: the summary counts whoever asked for them, a list may tell them apart. */
export function listOf(search: Partial<Search>, mode: Mode): Listed {
  return { ...filterOf(search, mode), origin: search.origin } as Listed;
}

/** The list that the address describes. */
export function useRefunds(search: Partial<Search>, mode: Mode) {
  const query = { ...listOf(search, mode), cursor: search.cursor, limit: pageSize(search) };
  return $api.useQuery('get', '/admin/v1/refunds', { params: { query: query as never } });
}

/** How many there are, and what they come to. */
export function useRefundSums(search: Partial<Search>, mode: Mode) {
  return $api.useQuery('get', '/admin/v1/refunds/summary', { params: { query: filterOf(search, mode) } });
}

/** One refund; while it may change, what is shown follows it. */
export function useRefund(id: string) {
  const every = useAskedEvery(LIVE_MS);
  return $api.useQuery(
    'get',
    '/admin/v1/refunds/{refund_id}',
    { params: { path: { refund_id: id } } },
    { refetchInterval: ({ state }) => (state.data && OPEN_STATES.has(state.data.refund.state) ? every : false) },
  );
}

/** After an act, whatever shows refunds or orders asks again. */
export function useRefundsChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) => /^\/admin\/v1\/(orders|refunds)/.test(String(queryKey[1])),
    });
}
