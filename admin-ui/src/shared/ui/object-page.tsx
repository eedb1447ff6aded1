/** The page of one object, until the object is there. */
import { Skeleton } from 'antd';
import type { ReactNode } from 'react';
import { Page } from './page';
import { ProblemView } from './problem-view';

interface ObjectPageProps<Value> {
  readonly title: string;
  readonly query: { readonly data: Value | undefined; readonly error: unknown; readonly refetch: () => unknown };
  readonly children: (value: Value) => ReactNode;
}

/** Shows the object once it is there; before, its outline or what went wrong. */
export function ObjectPage<Value>({ title, query, children }: ObjectPageProps<Value>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  return (
    <Page title={title}>
      {query.error ? <ProblemView error={query.error} onRetry={() => query.refetch()} /> : <Skeleton />}
    </Page>
  );
}
