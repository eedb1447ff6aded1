import { SettingOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';

export { RefundLimit } from './components/refund-limit';

const PERMISSION = 'refund:read';

const nav: readonly NavEntry[] = [
  {
    to: '/settings',
    label: { zh: '设置', en: 'Settings' },
    icon: <SettingOutlined />,
    group: 'system',
    permission: PERMISSION,
  },
];

const settingsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/settings',
  component: guardedPage(PERMISSION, () => import('./pages/settings-page')),
});

/** What is chosen for the platform. */
export const settings = { nav, routes: [settingsRoute] };
