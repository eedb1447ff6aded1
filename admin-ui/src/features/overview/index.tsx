import { HomeOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';

const nav: readonly NavEntry[] = [
  { to: '/', label: { zh: '总览', en: 'Overview' }, icon: <HomeOutlined />, group: 'home', letter: 'h' },
];

const homeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  validateSearch: plainSearch(['mode']),
  component: guardedPage(undefined, () => import('./pages/overview-page')),
});

/** Where one arrives: what is wrong now, what waits, and how much. */
export const overview = { nav, routes: [homeRoute] };
