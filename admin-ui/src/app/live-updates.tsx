/** Reads again what the server says has changed; a tab that nobody sees lets the line go. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { holdLine } from '@/api/live';
import { hintOf, reader, touchedByAny } from './live-hints';
import { useCan, useSession } from './session/use-session';

function followVisibility(changed: () => void): () => void {
  document.addEventListener('visibilitychange', changed);
  return () => document.removeEventListener('visibilitychange', changed);
}

/** Stands once in the frame; shows nothing itself. */
export function LiveUpdates() {
  const can = useCan();
  const queries = useQueryClient();
  const visible = useSyncExternalStore(followVisibility, () => !document.hidden);
  const signedIn = useSession().kind === 'signed_in';
  const listening = can('order:read') && visible && signedIn;
  const heldBefore = useRef(false);
  useEffect(() => {
    if (!listening) return;
    const read = reader(queries);
    const leave = holdLine({
      onHeld: () => {
        // What changed while there was no line was told to nobody.
        if (heldBefore.current) void queries.invalidateQueries({ predicate: ({ queryKey }) => touchedByAny(queryKey) });
        heldBefore.current = true;
      },
      onEvent: (event) => {
        const hint = hintOf(event);
        if (hint) read.again(hint);
      },
    });
    return () => {
      leave();
      read.stop();
    };
  }, [listening, queries]);
  return null;
}
