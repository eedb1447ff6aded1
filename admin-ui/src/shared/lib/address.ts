/** The query string of the page: the only state of filters, cursor, tab and open parts. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { Search } from './search-string';

/** What the address says, and how to change it; an absent value removes the parameter. */
export interface Address {
  readonly search: Partial<Search>;
  readonly change: (patch: Record<string, string | undefined>) => void;
}

/** The address of the page that is shown; its route keeps only the names that it knows. */
export function useAddress(): Address {
  const search = useSearch({ strict: false }) as Partial<Search>;
  const navigate = useNavigate();
  const change = useCallback(
    (patch: Record<string, string | undefined>) =>
      void navigate({ to: '.', search: ((before: Partial<Search>) => ({ ...before, ...patch })) as never }),
    [navigate],
  );
  return { search, change };
}
