/** Addresses and pages. Query strings are plain text: no value is ever guessed to be a number. */
import { createRoute, createRouter } from '@tanstack/react-router';
import { parseSearch, stringifySearch } from '@/shared/lib/search-string';
import { CrashPage, NotFoundPage } from './error-pages';
import { features } from './features';
import { Shell } from './layout/shell';
import { rootRoute, shellRoute } from './shell-route';

const navigation = features.flatMap((feature) => feature.nav);

shellRoute.update({ component: () => <Shell navigation={navigation} /> });

/** What no feature knows is said within the frame, not on an empty page. */
const unknownRoute = createRoute({ getParentRoute: () => shellRoute, path: '$', component: NotFoundPage });

const pages = features.flatMap((feature) => feature.routes);
const routeTree = rootRoute.addChildren([shellRoute.addChildren([...pages, unknownRoute])]);

export const router = createRouter({
  routeTree,
  basepath: '/admin',
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultNotFoundComponent: NotFoundPage,
  defaultErrorComponent: CrashPage,
});
