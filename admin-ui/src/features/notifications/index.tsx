import { BellOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { SEARCH_NAMES } from './search-params';

const PERMISSION = 'notification:read';

const nav: readonly NavEntry[] = [
  {
    to: '/notifications',
    label: { zh: '微信通知', en: 'Notifications' },
    icon: <BellOutlined />,
    group: 'developers',
    permission: PERMISSION,
    letter: 'n',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/notifications',
  validateSearch: plainSearch(SEARCH_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/notifications-page')),
});

const oneRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/notifications/$notificationId',
  component: guardedPage(PERMISSION, () => import('./pages/notification-page')),
});

/** What WeChat told us. */
export const notifications = { nav, routes: [listRoute, oneRoute] };
