import { ScheduleOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';

const PERMISSION = 'job:read';

const nav: readonly NavEntry[] = [
  {
    to: '/jobs',
    label: { zh: '后台任务', en: 'Jobs' },
    icon: <ScheduleOutlined />,
    group: 'system',
    permission: PERMISSION,
    letter: 'j',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs',
  validateSearch: plainSearch(['cursor', 'limit']),
  component: guardedPage(PERMISSION, () => import('./pages/jobs-page')),
});

const jobRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs/$jobId',
  component: guardedPage(PERMISSION, () => import('./pages/job-page')),
});

/** Long work that can be left and found again. */
export const jobs = { nav, routes: [listRoute, jobRoute] };
