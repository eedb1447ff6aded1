import { createRoute } from '@tanstack/react-router';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';

const accountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/account',
  component: guardedPage(undefined, () => import('./pages/account-page')),
});

/** Oneself: sessions and password. The account menu leads here, the side bar does not. */
export const account = { nav: [], routes: [accountRoute] };
