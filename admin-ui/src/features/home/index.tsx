import { HomeOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';

const nav: readonly NavEntry[] = [
  { to: '/', label: { zh: '总览', en: 'Overview' }, icon: <HomeOutlined />, group: 'home', letter: 'h' },
];

const homeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  component: guardedPage(undefined, () => import('./pages/home-page')),
});

/** Where one arrives. */
export const home = { nav, routes: [homeRoute] };
