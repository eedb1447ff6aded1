import { AccountBookOutlined, FileTextOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';

export { CLASSES } from './states';

const nav: readonly NavEntry[] = [
  {
    to: '/recon',
    label: { zh: '对账', en: 'Reconciliation' },
    icon: <AccountBookOutlined />,
    group: 'finance',
    permission: 'reconciliation:read',
    letter: 'c',
  },
  {
    to: '/bills',
    label: { zh: '账单', en: 'Bills' },
    icon: <FileTextOutlined />,
    group: 'finance',
    permission: 'bill:read',
    letter: 'b',
  },
];

const daysRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/recon',
  validateSearch: plainSearch(['mode']),
  component: guardedPage('reconciliation:read', () => import('./pages/days-page')),
});

const dayRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/recon/$providerId/$date',
  validateSearch: plainSearch(['state', 'cursor', 'limit']),
  component: guardedPage('reconciliation:read', () => import('./pages/day-page')),
});

const billsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/bills',
  validateSearch: plainSearch(['mode', 'kind', 'date', 'cursor', 'limit']),
  component: guardedPage('bill:read', () => import('./pages/bills-page')),
});

/** Whether our books equal WeChat's. */
export const finance = { nav, routes: [daysRoute, dayRoute, billsRoute] };
