/** How answers are kept: shown at once when a page comes back, fetched again behind it. */
import { QueryClient } from '@tanstack/react-query';
import { problemOf } from './problem';

const FRESH_MS = 5_000;
const TRIES = 2;

/** Reads are repeated when no answer came or the server is busy; writes never by themselves. */
export function repeats(failures: number, error: unknown): boolean {
  const { status } = problemOf(error);
  return failures < TRIES && (status === 0 || status === 502 || status === 503 || status === 504);
}

/** Makes the cache of one person's session. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: FRESH_MS, retry: repeats, refetchOnWindowFocus: false, throwOnError: false },
      mutations: { retry: false },
    },
  });
}
