import { DashboardOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';

export { QUEUES } from './states';

const PERMISSION = 'system:read';

const nav: readonly NavEntry[] = [
  {
    to: '/system',
    label: { zh: '系统状态', en: 'System' },
    icon: <DashboardOutlined />,
    group: 'system',
    permission: PERMISSION,
    letter: 'y',
  },
];

const systemRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/system',
  component: guardedPage(PERMISSION, () => import('./pages/system-page')),
});

/** Whether the installation itself is well. */
export const system = { nav, routes: [systemRoute] };
