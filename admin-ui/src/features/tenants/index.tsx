import { ShopOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { SEARCH_NAMES } from './search-params';

const PERMISSION = 'tenant:read';

const nav: readonly NavEntry[] = [
  {
    to: '/tenants',
    label: { zh: '租户', en: 'Tenants' },
    icon: <ShopOutlined />,
    group: 'merchants',
    permission: PERMISSION,
    letter: 't',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tenants',
  validateSearch: plainSearch(SEARCH_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/tenants-page')),
});

const tenantRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tenants/$tenantId',
  component: guardedPage(PERMISSION, () => import('./pages/tenant-page')),
});

/** Our customers. */
export const tenants = { nav, routes: [listRoute, tenantRoute] };
