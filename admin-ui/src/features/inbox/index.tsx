import { InboxOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { part } from '@/app/part';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';

export { ALARM_KINDS } from './states';

const nav: readonly NavEntry[] = [
  { to: '/inbox', label: { zh: '待办', en: 'Inbox' }, icon: <InboxOutlined />, group: 'home', letter: 'i' },
];

const inboxRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inbox',
  validateSearch: plainSearch(['tab']),
  component: guardedPage(undefined, () => import('./pages/inbox-page')),
});

const approvalRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inbox/approvals/$approvalId',
  component: guardedPage(undefined, () => import('./pages/approval-page')),
});

/** Requests that wait for a second person, for the first page. */
export const WaitingApprovals = part(() => import('./components/waiting-approvals'));

/** What waits for a person. */
export const inbox = { nav, routes: [inboxRoute, approvalRoute] };
