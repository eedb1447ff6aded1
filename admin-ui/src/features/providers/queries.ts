import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { $api } from '@/api/client';
import type { components } from '@/api/schema';

export type Provider = components['schemas']['Provider'];
export type ProviderKey = components['schemas']['ProviderKey'];

/** Every provider; there are few. */
export function useProviders() {
  return $api.useQuery('get', '/admin/v1/providers', {});
}

/** While a self-test waits for its callback, what it may change is asked for so often. */
const WAITING_MS = 1_000;

/** Its keys, tests and shares. */
export function useKeys(id: string) {
  const init = { params: { path: { provider_id: id } } };
  const tests = $api.useQuery('get', '/admin/v1/providers/{provider_id}/key-tests', init, {
    refetchInterval: ({ state }) => (state.data?.data.some((test) => test.state === 'waiting') ? WAITING_MS : false),
  });
  const keys = $api.useQuery('get', '/admin/v1/providers/{provider_id}/keys', init);
  // A test that ended may have made a key ready.
  const ended = tests.data?.data.filter((test) => test.state !== 'waiting').length;
  const { refetch } = keys;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the number of ended tests is what is waited for.
  useEffect(() => void refetch(), [ended, refetch]);
  return { keys, tests, shares: $api.useQuery('get', '/admin/v1/providers/{provider_id}/key-shares', init) };
}

/** After an act, whatever shows keys asks again. */
export function useKeysChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/admin/v1/provider') });
}
