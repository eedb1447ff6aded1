/** The session in components. */
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import { type Can, grants } from '@/shared/lib/permission';
import { followSession, type Me, type SessionState, sessionState } from './session';

/** Follows where the session stands. */
export function useSession(): SessionState {
  return useSyncExternalStore(followSession, sessionState);
}

/** Whoever is signed in; pages below the layout always have one. */
export const MeContext = createContext<Me | undefined>(undefined);

/** Who one is. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error('useMe is for pages that only signed-in people see');
  return me;
}

/** What was granted. It decides what is shown; the server decides what is allowed. */
export function useCan(): Can {
  const { permissions } = useMe();
  return useMemo(() => grants(permissions), [permissions]);
}
