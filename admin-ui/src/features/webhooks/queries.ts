import { useQueryClient } from '@tanstack/react-query';
import { $api } from '@/api/client';
import type { components } from '@/api/schema';
import type { Mode } from '@/app/session/use-mode';
import type { Search } from '@/shared/lib/search-string';
import { windowOf } from '@/shared/lib/window';
import { pageSize } from '@/shared/ui/pager';

export type Delivery = components['schemas']['StaffDelivery'];
export type DeliveryDetail = components['schemas']['StaffDeliveryDetail'];
export type Attempt = components['schemas']['StaffDeliveryAttempt'];
export type Endpoint = components['schemas']['StaffEndpoint'];
export type EndpointDetail = components['schemas']['StaffEndpointDetail'];

const LIVE_MS = 5_000;

/** Deliveries that the address describes. */
export function useDeliveries(search: Partial<Search>, mode: Mode) {
  const query = {
    mode,
    state: search.state,
    event_type: search.event_type,
    endpoint_id: search.endpoint_id,
    subject_id: search.subject_id,
    event_id: search.event_id,
    tenant_id: search.tenant_id,
    ...windowOf(search),
    cursor: search.cursor,
    limit: pageSize(search),
  };
  return $api.useQuery('get', '/admin/v1/deliveries', { params: { query: query as never } });
}

/** One delivery with its attempts; while it is open it is asked for again and again. */
export function useDelivery(id: string) {
  return $api.useQuery(
    'get',
    '/admin/v1/deliveries/{delivery_id}',
    { params: { path: { delivery_id: id } } },
    { refetchInterval: ({ state }) => (state.data?.delivery.state === 'open' ? LIVE_MS : false) },
  );
}

/** Endpoints that the address describes. */
export function useEndpoints(search: Partial<Search>, mode: Mode) {
  const query = {
    mode,
    state: search.state,
    host: search.host,
    tenant_id: search.tenant_id,
    cursor: search.cursor,
    limit: pageSize(search),
  };
  return $api.useQuery('get', '/admin/v1/webhook-endpoints', { params: { query: query as never } });
}

/** One endpoint. */
export function useEndpoint(id: string) {
  return $api.useQuery('get', '/admin/v1/webhook-endpoints/{endpoint_id}', { params: { path: { endpoint_id: id } } });
}

/** After an act, whatever shows endpoints or deliveries asks again. */
export function useWebhooksChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) => /^\/admin\/v1\/(deliveries|webhook-endpoints|jobs)/.test(String(queryKey[1])),
    });
}
