import { AuditOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { part } from '@/app/part';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { SEARCH_NAMES } from './search-params';

const PERMISSION = 'audit:read';

const nav: readonly NavEntry[] = [
  {
    to: '/audit',
    label: { zh: '审计日志', en: 'Audit log' },
    icon: <AuditOutlined />,
    group: 'system',
    permission: PERMISSION,
    letter: 'a',
  },
];

const listRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/audit',
  validateSearch: plainSearch(SEARCH_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/audit-page')),
});

/** What was done to an object, for a tab of its page. */
export const Changes = part(() => import('./components/changes'));

/** The same for a page without tabs. */
export const FoldedChanges = part(async () => ({ default: (await import('./components/changes')).FoldedChanges }));

/** Who changed an object last, for dialogs that came too late. */
export const LastChange = part(() => import('./components/last-change'));

/** Who did what; nobody can take anything away. */
export const audit = { nav, routes: [listRoute] };
