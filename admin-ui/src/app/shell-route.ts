/** The routes above all pages. Features hang theirs below `shellRoute`; router.tsx gives it its looks. */
import { createRootRoute, createRoute } from '@tanstack/react-router';

export const rootRoute = createRootRoute();

/** What every page stands in: side bar, top bar, main. */
export const shellRoute = createRoute({ getParentRoute: () => rootRoute, id: 'shell' });
