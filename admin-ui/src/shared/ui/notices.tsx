/** What just happened, said once in a corner and to screen readers; the page says it too. */
import { useSyncExternalStore } from 'react';
import type { Tone } from '../theme/tokens';
import { ToneTag } from './status-tag';

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: Tone | 'silent';
}

const SHOWN_MS = 6_000;
const MOST = 3;

let notices: readonly Notice[] = [];
let last = 0;
const listeners = new Set<() => void>();

function replace(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

/** Tells the person; `silent` is for screen readers alone. */
export function announce(text: string, tone: Tone | 'silent' = 'ok'): void {
  last += 1;
  const id = last;
  replace([...notices, { id, text, tone }].slice(-MOST));
  setTimeout(() => replace(notices.filter((notice) => notice.id !== id)), SHOWN_MS);
}

/** The corner in which notices appear. */
export function Notices() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
  return (
    <div role="status" aria-live="polite" className="notices">
      {shown.map((notice) =>
        notice.tone === 'silent' ? (
          <span key={notice.id} className="visually-hidden">
            {notice.text}
          </span>
        ) : (
          <div key={notice.id} className="notice">
            <ToneTag tone={notice.tone}>{notice.text}</ToneTag>
          </div>
        ),
      )}
    </div>
  );
}
