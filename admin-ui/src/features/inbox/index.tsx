import { InboxOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';

const PERMISSION = 'order:read';

const nav: readonly NavEntry[] = [
  {
    to: '/inbox',
    label: { zh: '待办', en: 'Inbox' },
    icon: <InboxOutlined />,
    group: 'home',
    permission: PERMISSION,
    letter: 'i',
  },
];

const inboxRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inbox',
  validateSearch: plainSearch(['tab']),
  component: guardedPage(PERMISSION, () => import('./pages/inbox-page')),
});

/** What waits for a person. */
export const inbox = { nav, routes: [inboxRoute] };
