import { useQuery, useQueryClient } from '@tanstack/react-query';
import { $api, api } from '@/api/client';
import type { components } from '@/api/schema';
import { tagged } from '@/api/tagged';
import type { Mode } from '@/app/session/use-mode';
import type { Search } from '@/shared/lib/search-string';
import { pageSize } from '@/shared/ui/pager';

export type SubMerchant = components['schemas']['SubMerchant'];
export type SubApp = components['schemas']['SubApp'];
export type ReadinessLine = components['schemas']['ReadinessLine'];
type State = components['schemas']['SubMerchantState'];

const MERCHANT = '/admin/v1/sub-merchants/{sub_merchant_id}';

/** The list that the address describes. */
export function useSubMerchants(search: Partial<Search>, mode: Mode) {
  const query = {
    mode,
    state: search.state as State | undefined,
    tenant_id: search.tenant_id,
    cursor: search.cursor,
    limit: pageSize(search),
  };
  return $api.useQuery('get', '/admin/v1/sub-merchants', { params: { query: query as never } });
}

/** One sub-merchant with the version that an edit names. */
export function useSubMerchant(id: string) {
  return useQuery({
    queryKey: ['get', MERCHANT, id],
    queryFn: async ({ signal }) =>
      tagged(await api.GET(MERCHANT, { params: { path: { sub_merchant_id: id } }, signal })),
  });
}

/** What is known of its readiness. */
export function useReadiness(id: string) {
  return $api.useQuery('get', '/admin/v1/sub-merchants/{sub_merchant_id}/readiness', {
    params: { path: { sub_merchant_id: id } },
  });
}

/** Its apps. */
export function useSubApps(id: string) {
  return $api.useQuery('get', '/admin/v1/sub-merchants/{sub_merchant_id}/sub-apps', {
    params: { path: { sub_merchant_id: id } },
  });
}

/** After an act, whatever shows sub-merchants asks again. */
export function useMerchantsChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/admin/v1/sub-merchants'),
    });
}
