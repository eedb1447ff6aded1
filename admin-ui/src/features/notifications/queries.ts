import { useQueryClient } from '@tanstack/react-query';
import { $api } from '@/api/client';
import type { components } from '@/api/schema';
import type { Search } from '@/shared/lib/search-string';
import { windowOf } from '@/shared/lib/window';
import { pageSize } from '@/shared/ui/pager';

export type Notification = components['schemas']['NotificationObject'];
export type Whole = components['schemas']['NotificationWhole'];

/** The list that the address describes. */
export function useNotifications(search: Partial<Search>) {
  const query = {
    state: search.state,
    event_type: search.event_type,
    notice_id: search.notice_id,
    order_id: search.order_id,
    provider_id: search.provider_id,
    ...windowOf(search),
    cursor: search.cursor,
    limit: pageSize(search),
  };
  return $api.useQuery('get', '/admin/v1/notifications', { params: { query: query as never } });
}

/** One notification as it came. */
export function useNotification(id: string) {
  return $api.useQuery('get', '/admin/v1/notifications/{notification_id}', {
    params: { path: { notification_id: id } },
  });
}

/** After an act, whatever shows notifications or orders asks again. */
export function useNotificationsChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      predicate: ({ queryKey }) => /^\/admin\/v1\/(notifications|orders)/.test(String(queryKey[1])),
    });
}
