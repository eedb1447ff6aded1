import { useQuery, useQueryClient } from '@tanstack/react-query';
import { $api, api } from '@/api/client';
import type { components, paths } from '@/api/schema';
import { tagged } from '@/api/tagged';
import type { Search } from '@/shared/lib/search-string';
import { pageSize } from '@/shared/ui/pager';

export type StaffMember = components['schemas']['StaffMember'];
export type Invited = components['schemas']['Invited'];
type ListParameters = NonNullable<paths['/admin/v1/staff']['get']['parameters']['query']>;

const MEMBER = '/admin/v1/staff/{staff_id}';

/** The list that the address describes. */
export function useStaff(search: Partial<Search>) {
  const query: ListParameters = {
    state: search.state as ListParameters['state'],
    tenant_id: search.tenant_id,
    cursor: search.cursor,
    limit: pageSize(search),
  };
  return $api.useQuery('get', '/admin/v1/staff', { params: { query } });
}

/** One person with the version that an edit names. */
export function useMember(id: string) {
  return useQuery({
    queryKey: ['get', MEMBER, id],
    queryFn: async ({ signal }) => tagged(await api.GET(MEMBER, { params: { path: { staff_id: id } }, signal })),
  });
}

/** The person's open sessions. */
export function useSessionsOf(id: string) {
  return $api.useQuery('get', '/admin/v1/staff/{staff_id}/sessions', { params: { path: { staff_id: id } } });
}

/** After an act, whatever shows people asks again. */
export function useStaffChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/admin/v1/staff') });
}
