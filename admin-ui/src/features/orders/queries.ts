import { useQueryClient } from '@tanstack/react-query';
import { $api, api } from '@/api/client';
import { useAskedEvery } from '@/api/live';
import type { components, paths } from '@/api/schema';
import type { Mode } from '@/app/session/use-mode';
import type { Search } from '@/shared/lib/search-string';
import { windowOf } from '@/shared/lib/window';
import { pageSize } from '@/shared/ui/pager';

export type ListedOrder = components['schemas']['ListedStaffOrder'];
export type Order = components['schemas']['StaffOrder'];
export type TimelineEntry = components['schemas']['Entry'];
export type TimelinePage = components['schemas']['StaffTimelineObject'];
export type LatePayment = components['schemas']['OrderLatePayment'];
type Filter = NonNullable<paths['/admin/v1/orders/summary']['get']['parameters']['query']>;

const LIVE_MS = 5_000;
/** More pages than any story has. */
const TIMELINE_PAGES_MAX = 100;
const OPEN_STATES = new Set(['created', 'paying', 'unknown', 'closing', 'refunding']);

/** The filter that the address describes, in the API's words. */
export function filterOf(search: Partial<Search>, mode: Mode): Filter {
  return {
    mode,
    state: search.state,
    time: search.time,
    ...windowOf(search),
    tenant_id: search.tenant_id,
    sub_mchid: search.sub_mchid,
    problem: search.problem,
    refunds: search.refunds,
    webhook: search.webhook,
    payer_hash: search.payer_hash,
  } as Filter;
}

/** The list; an exact number ignores the other filters, so it is sent alone. */
export function useOrders(search: Partial<Search>, mode: Mode) {
  const paging = { cursor: search.cursor, limit: pageSize(search) };
  const query = search.number
    ? { number: search.number, limit: paging.limit }
    : { ...filterOf(search, mode), ...paging };
  return $api.useQuery('get', '/admin/v1/orders', { params: { query } });
}

/** How many there are, and what they come to. */
export function useOrderSums(search: Partial<Search>, mode: Mode) {
  return $api.useQuery(
    'get',
    '/admin/v1/orders/summary',
    { params: { query: filterOf(search, mode) } },
    { enabled: !search.number },
  );
}

/** How often an order is asked for. The server's hints do not tell that the tenant was told. */
function useEvery(): (order: ListedOrder | undefined) => number | false {
  const every = useAskedEvery(LIVE_MS);
  return (order) => {
    if (!order) return false;
    return order.webhook.open > 0 ? LIVE_MS : OPEN_STATES.has(order.state) && every;
  };
}

/** One order; while it may change, what is shown follows it. */
export function useOrder(id: string) {
  const every = useEvery();
  return $api.useQuery(
    'get',
    '/admin/v1/orders/{order_id}',
    { params: { path: { order_id: id } } },
    { refetchInterval: ({ state }) => every(state.data?.order) },
  );
}

/** What happened to it, oldest first. */
export function useTimeline(order: ListedOrder) {
  const every = useEvery();
  return $api.useQuery(
    'get',
    '/admin/v1/orders/{order_id}/timeline',
    { params: { path: { order_id: order.id } } },
    { refetchInterval: every(order) },
  );
}

/** The page of a time line that begins where another ended, or its first. */
export async function timelinePage(id: string, cursor?: string): Promise<TimelinePage> {
  const { data } = await api.GET('/admin/v1/orders/{order_id}/timeline', {
    params: { path: { order_id: id }, query: { cursor } },
  });
  if (data === undefined) throw new Error('the server answered without a body');
  return data;
}

/** The whole time line in one document, however long. */
export async function wholeTimeline(id: string): Promise<TimelinePage> {
  const whole = await timelinePage(id);
  const data = [...whole.data];
  let next = whole.next_cursor;
  for (let page = 1; next !== undefined && page < TIMELINE_PAGES_MAX; page += 1) {
    const further = await timelinePage(id, next);
    data.push(...further.data);
    next = further.next_cursor;
  }
  return { ...whole, data, truncated: next !== undefined, next_cursor: next };
}

/** After an act, whatever shows orders or refunds asks again. */
export function useOrdersChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) => /^\/admin\/v1\/(orders|refunds|inbox|late)/.test(String(queryKey[1])),
    });
}
