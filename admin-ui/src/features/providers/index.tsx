import { KeyOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';

const PERMISSION = 'provider:read';

const nav: readonly NavEntry[] = [
  {
    to: '/providers',
    label: { zh: '服务商账号', en: 'Providers' },
    icon: <KeyOutlined />,
    group: 'system',
    permission: PERMISSION,
    letter: 'p',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/providers',
  component: guardedPage(PERMISSION, () => import('./pages/providers-page')),
});

const providerRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/providers/$providerId',
  component: guardedPage(PERMISSION, () => import('./pages/provider-page')),
});

/** The merchant accounts that call WeChat, and their keys. */
export const providers = { nav, routes: [listRoute, providerRoute] };
