/** Loads a page when it is opened, and shows it only to those who may see it. */
import { type ComponentType, lazy, type ReactNode, Suspense } from 'react';
import { ForbiddenPage } from './error-pages';
import { useCan } from './session/use-session';

type Load = () => Promise<{ default: ComponentType }>;

/** Makes the component of a route; without the permission it says which one is missing. */
export function guardedPage(permission: string | undefined, load: Load): () => ReactNode {
  const Page = lazy(load);
  return function GuardedPage() {
    const can = useCan();
    if (permission !== undefined && !can(permission)) return <ForbiddenPage permission={permission} />;
    return (
      <Suspense fallback={null}>
        <Page />
      </Suspense>
    );
  };
}
