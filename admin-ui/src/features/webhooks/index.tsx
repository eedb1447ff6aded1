import { ApiOutlined, SendOutlined } from '@ant-design/icons';
import { createRoute } from '@tanstack/react-router';
import type { NavEntry } from '@/app/feature';
import { guardedPage } from '@/app/guarded-page';
import { part } from '@/app/part';
import { shellRoute } from '@/app/shell-route';
import { plainSearch } from '@/shared/lib/search-string';
import { DELIVERY_NAMES, ENDPOINT_NAMES } from './search-params';

export { DELIVERY_STATES, ERROR_CLASSES } from './states';

const PERMISSION = 'webhook:read';

const nav: readonly NavEntry[] = [
  {
    to: '/endpoints',
    label: { zh: 'Webhook 端点', en: 'Endpoints' },
    icon: <ApiOutlined />,
    group: 'developers',
    permission: PERMISSION,
    letter: 'e',
  },
  {
    to: '/deliveries',
    label: { zh: '投递', en: 'Deliveries' },
    icon: <SendOutlined />,
    group: 'developers',
    permission: PERMISSION,
    letter: 'd',
  },
];

const endpointsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/endpoints',
  validateSearch: plainSearch(ENDPOINT_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/endpoints-page')),
});

const endpointRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/endpoints/$endpointId',
  component: guardedPage(PERMISSION, () => import('./pages/endpoint-page')),
});

const deliveriesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/deliveries',
  validateSearch: plainSearch(DELIVERY_NAMES),
  component: guardedPage(PERMISSION, () => import('./pages/deliveries-page')),
});

const deliveryRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/deliveries/$deliveryId',
  component: guardedPage(PERMISSION, () => import('./pages/delivery-page')),
});

/** What the tenant was told of an order or a refund, for a tab of its page. */
export const Told = part(() => import('./components/told'));

/** Where tenants are told, and what they were told. */
export const webhooks = { nav, routes: [endpointsRoute, endpointRoute, deliveriesRoute, deliveryRoute] };
