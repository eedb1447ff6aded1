import { useQueryClient } from '@tanstack/react-query';
import { $api } from '@/api/client';
import type { components } from '@/api/schema';

export type Provider = components['schemas']['Provider'];
export type ProviderKey = components['schemas']['ProviderKey'];

/** Every provider; there are few. */
export function useProviders() {
  return $api.useQuery('get', '/admin/v1/providers', {});
}

/** Its keys, tests and shares. */
export function useKeys(id: string) {
  const init = { params: { path: { provider_id: id } } };
  return {
    keys: $api.useQuery('get', '/admin/v1/providers/{provider_id}/keys', init),
    tests: $api.useQuery('get', '/admin/v1/providers/{provider_id}/key-tests', init),
    shares: $api.useQuery('get', '/admin/v1/providers/{provider_id}/key-shares', init),
  };
}

/** After an act, whatever shows keys asks again. */
export function useKeysChanged() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/admin/v1/provider') });
}
