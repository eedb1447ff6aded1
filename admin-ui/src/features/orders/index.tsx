import { TransactionOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { ORDER_NAMES, SEARCH_NAMES } from './search-params';

export { LATE_KINDS, ORDER_STATES } from './states';

const PERMISSION = 'order:read';

const nav: readonly NavEntry[] = [
  {
    to: '/orders',
    label: { zh: '订单', en: 'Orders' },
    icon: <TransactionOutlined />,
    group: 'payments',
    permission: PERMISSION,
    letter: 'o',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/orders',
  validateSearch: plainSearch(SEARCH_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/orders-page')),
});

const orderRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/orders/$orderId',
  validateSearch: plainSearch(ORDER_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/order-page')),
});

/** What tenants want paid. */
export const orders = { nav, routes: [listRoute, orderRoute] };
