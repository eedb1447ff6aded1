import { act, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useSteadyPage } from './steady-page';

interface Row {
  readonly id: string;
  readonly state: string;
}

const row = (id: string, state = 'paying'): Row => ({ id, state });

beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => vi.useRealTimers());

function list(first: readonly Row[]) {
  const hook = renderHook(
    ({ data, address }: { data: readonly Row[]; address: string }) =>
      useSteadyPage<Row, { data: readonly Row[] }>(
        { data: useStable(data), dataUpdatedAt: Date.now() },
        address,
        ({ id }) => id,
      ),
    { initialProps: { data: first, address: 'a' } },
  );
  const read = (data: readonly Row[], address = 'a') => {
    vi.advanceTimersByTime(1_000);
    hook.rerender({ data, address });
  };
  return { ...hook, read, ids: () => hook.result.current.page?.data.map(({ id }) => id) };
}

const pages = new WeakMap<readonly Row[], { data: readonly Row[] }>();

/** The same rows are the same page, as the cache has it. */
function useStable(data: readonly Row[]): { data: readonly Row[] } {
  const page = pages.get(data) ?? { data };
  pages.set(data, page);
  return page;
}

it('changes a row where it stands, and says which for a while', () => {
  const { read, result, ids } = list([row('c'), row('b'), row('a')]);
  read([row('c'), row('b', 'paid'), row('a')]);
  expect(ids()).toEqual(['c', 'b', 'a']);
  expect(result.current.page?.data[1]?.state).toBe('paid');
  expect([...result.current.news]).toEqual(['b']);
  act(() => vi.advanceTimersByTime(10_000));
  expect([...result.current.news]).toEqual([]);
  expect(result.current.page?.data[1]?.state).toBe('paid');
});

it('lets new rows wait until they are asked for', () => {
  const { read, result, ids } = list([row('c'), row('b'), row('a')]);
  read([row('e'), row('d'), row('c', 'paid')]);
  expect(ids()).toEqual(['c', 'b', 'a']);
  expect(result.current.waiting).toBe(2);
  act(() => result.current.open());
  expect(ids()).toEqual(['e', 'd', 'c']);
  expect(result.current.waiting).toBe(0);
});

it('counts a row that the filter no longer lets through, and leaves it to be read', () => {
  const { read, result, ids } = list([row('c'), row('b'), row('a')]);
  read([row('c'), row('a')]);
  expect(ids()).toEqual(['c', 'b', 'a']);
  expect(result.current.waiting).toBe(1);
});

it('shows as it is whatever the address describes newly, and what a person asked for', () => {
  const { read, result, ids } = list([row('b'), row('a')]);
  read([row('z'), row('y')], 'b');
  expect(ids()).toEqual(['z', 'y']);
  act(() => result.current.open());
  // The answer to the request that the person made, read before it was opened.
  vi.setSystemTime(Date.now() - 1_500);
  read([row('x'), row('z')], 'b');
  expect(ids()).toEqual(['x', 'z']);
});
