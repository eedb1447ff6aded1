import { $api } from '@/api/client';

/** The server's hints do not tell of requests. */
const EVERY_MS = 15_000;

/** Requests that wait for a second person. */
export function usePendingApprovals() {
  return $api.useQuery(
    'get',
    '/admin/v1/approvals',
    { params: { query: { state: 'pending' as never } } },
    { refetchInterval: EVERY_MS },
  );
}
