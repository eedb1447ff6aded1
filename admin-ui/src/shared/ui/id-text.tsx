/** A number or id, in figures of equal width, with a button that copies it. */
import type { ReactNode } from 'react';
import { CopyButton } from './copy-button';

/** Shows an identifier; `what` names it to the copy button, `children` replaces its text, such as by a link. */
export function IdText({ value, what, children }: { value: string; what: string; children?: ReactNode }) {
  return (
    <span className="id-text">
      <span className="mono">{children ?? value}</span>
      <CopyButton value={value} what={`${what} ${value}`} />
    </span>
  );
}
