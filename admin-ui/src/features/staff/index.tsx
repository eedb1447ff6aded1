import { TeamOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { SEARCH_NAMES } from './search-params';

export { RoleTags } from './components/role-tags';
export { SessionTable } from './components/session-table';

const nav: readonly NavEntry[] = [
  {
    to: '/staff',
    label: { zh: '人员与角色', en: 'Staff and roles' },
    icon: <TeamOutlined />,
    group: 'system',
    permission: 'staff:read',
    letter: 's',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/staff',
  validateSearch: plainSearch(SEARCH_NAMES),
  component: guardedPage('staff:read', () => import('./pages/staff-page')),
});

const memberRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/staff/$staffId',
  component: guardedPage('staff:read', () => import('./pages/member-page')),
});

/** Who works here, and what each may do. */
export const staff = { nav, routes: [listRoute, memberRoute] };
