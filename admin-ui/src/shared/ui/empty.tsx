/** Nothing to show: one sentence and what to do about it. */
import type { ReactNode } from 'react';

/** Says that there is nothing, and offers the next step. */
export function Empty({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>{text}</p>
      {children && <div className="empty-actions">{children}</div>}
    </div>
  );
}
