/** A part of a page that is loaded when it is shown, while the page around it stays. */
import { type ComponentType, lazy, type ReactNode, Suspense } from 'react';

/** Makes a component of a part; until it is there, nothing stands in its place. */
export function part<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): (props: Props) => ReactNode {
  const Part = lazy(load) as unknown as ComponentType<Props>;
  return function LatePart(props: Props) {
    return (
      <Suspense fallback={null}>
        <Part {...props} />
      </Suspense>
    );
  };
}
