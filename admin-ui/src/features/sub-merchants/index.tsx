import { ShoppingOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { SEARCH_NAMES } from './search-params';

const PERMISSION = 'tenant:read';

const nav: readonly NavEntry[] = [
  {
    to: '/sub-merchants',
    label: { zh: '特约商户', en: 'Sub-merchants' },
    icon: <ShoppingOutlined />,
    group: 'merchants',
    permission: PERMISSION,
    letter: 'm',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/sub-merchants',
  validateSearch: plainSearch(SEARCH_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/sub-merchants-page')),
});

const merchantRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/sub-merchants/$merchantId',
  component: guardedPage(PERMISSION, () => import('./pages/sub-merchant-page')),
});

/** Whom the payers pay. */
export const subMerchants = { nav, routes: [listRoute, merchantRoute] };
