import { useQuery, useQueryClient } from '@tanstack/react-query';
import { $api, api } from '@/api/client';
import type { components } from '@/api/schema';
import { tagged } from '@/api/tagged';
import type { Search } from '@/shared/lib/search-string';
import { pageSize } from '@/shared/ui/pager';

export type Tenant = components['schemas']['Tenant'];
export type ApiKey = components['schemas']['ApiKey'];
export type Certificate = components['schemas']['TenantCertificate'];
type State = components['schemas']['TenantState'];

const TENANT = '/admin/v1/tenants/{tenant_id}';

/** The list that the address describes. */
export function useTenants(search: Partial<Search>) {
  const query = {
    state: search.state as State | undefined,
    name: search.name,
    cursor: search.cursor,
    limit: pageSize(search),
  };
  return $api.useQuery('get', '/admin/v1/tenants', { params: { query } });
}

/** One tenant with the version that an edit names. */
export function useTenant(id: string) {
  return useQuery({
    queryKey: ['get', TENANT, id],
    queryFn: async ({ signal }) => tagged(await api.GET(TENANT, { params: { path: { tenant_id: id } }, signal })),
  });
}

/** After an act, whatever shows tenants or their keys asks again. */
export function useTenantsChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/admin/v1/tenants') });
}
