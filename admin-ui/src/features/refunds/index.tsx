import { RollbackOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { SEARCH_NAMES } from './search-params';

export { RefundTable } from './components/refund-table';
export { REFUND_STATES } from './states';

const PERMISSION = 'refund:read';

const nav: readonly NavEntry[] = [
  {
    to: '/refunds',
    label: { zh: '退款', en: 'Refunds' },
    icon: <RollbackOutlined />,
    group: 'payments',
    permission: PERMISSION,
    letter: 'r',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/refunds',
  validateSearch: plainSearch(SEARCH_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/refunds-page')),
});

const refundRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/refunds/$refundId',
  component: guardedPage(PERMISSION, () => import('./pages/refund-page')),
});

/** Money that goes back. */
export const refunds = { nav, routes: [listRoute, refundRoute] };
