import { useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from '@/api/client';
import { tagged } from '@/api/tagged';

const LIMIT = '/admin/v1/refund-limit';

/** The limit of a tenant, or the platform's, with the version that an edit names. */
export function useRefundLimit(tenantId: string | undefined) {
  return useQuery({
    queryKey: ['get', LIMIT, tenantId ?? 'platform'],
    queryFn: async ({ signal }) => tagged(await api.GET(LIMIT, { params: { query: { tenant_id: tenantId } }, signal })),
  });
}

/** After another choice, whatever shows limits asks again. */
export function useLimitsChanged() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] === LIMIT });
}
