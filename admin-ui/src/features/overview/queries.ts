import { $api } from '@/api/client';
import { useAskedEvery } from '@/api/live';
import type { components } from '@/api/schema';
import type { Mode } from '@/app/session/use-mode';
import { useCan } from '@/app/session/use-session';
import { addDays, beijingDay, endOfDay, startOfDay } from '@/shared/lib/time';

export type Figures = components['schemas']['OrderFigures'];
export type Health = components['schemas']['HealthStatistics'];

const HOUR_MS = 3_600_000;
const EVERY_MS = 60_000;
/** A success rate of fewer orders is no judgement. */
export const LEAST_SAMPLE = 20;

function hoursAgo(hours: number): string {
  return new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - hours * HOUR_MS).toISOString();
}

function nextHour(): string {
  return hoursAgo(-1);
}

/** Orders of the last days, by Beijing's days. */
export function useDays(mode: Mode, days: number) {
  const today = beijingDay(Date.now());
  const query = { mode, by: 'day', from: startOfDay(addDays(today, 1 - days)), to: endOfDay(today) };
  return $api.useQuery(
    'get',
    '/admin/v1/statistics/orders',
    { params: { query: query as never } },
    { refetchInterval: EVERY_MS },
  );
}

/** Orders of the last 24 hours, by sub-merchant. */
export function useMerchants(mode: Mode) {
  const query = { mode, by: 'sub_merchant', from: hoursAgo(23), to: nextHour() };
  return $api.useQuery(
    'get',
    '/admin/v1/statistics/orders',
    { params: { query: query as never } },
    { refetchInterval: EVERY_MS },
  );
}

/** How everything around the orders does. */
export function useHealth(mode: Mode) {
  return $api.useQuery(
    'get',
    '/admin/v1/statistics/health',
    { params: { query: { mode, since: hoursAgo(24) } as never } },
    { refetchInterval: EVERY_MS },
  );
}

/** Queues and what is stuck. */
export function useSystem(enabled: boolean) {
  return $api.useQuery('get', '/admin/v1/system', {}, { enabled, refetchInterval: EVERY_MS });
}

/** How much waits for a person. */
export function useInboxCount(enabled: boolean) {
  const refetchInterval = useAskedEvery(EVERY_MS);
  return $api.useQuery('get', '/admin/v1/inbox', {}, { enabled, refetchInterval });
}

const NAMES_KEPT_MS = 5 * 60_000;
const MOST_NAMES = 100;

/** Sub-merchants by name, for charts that know their numbers only. */
export function useMerchantNames(mode: Mode) {
  const enabled = useCan()('tenant:read');
  const init = { params: { query: { mode, limit: MOST_NAMES } } };
  return $api.useQuery('get', '/admin/v1/sub-merchants', init, { staleTime: NAMES_KEPT_MS, enabled });
}

/** Endpoints by address and tenant, for charts that know their ids only. */
export function useEndpointNames(mode: Mode) {
  const enabled = useCan()('webhook:read');
  const init = { params: { query: { mode, limit: MOST_NAMES } } };
  return $api.useQuery('get', '/admin/v1/webhook-endpoints', init, { staleTime: NAMES_KEPT_MS, enabled });
}
