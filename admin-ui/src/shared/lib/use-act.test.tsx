import { act, renderHook } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { useAct } from './use-act';

it('does once what is asked twice at the same time', async () => {
  let finish: () => void = () => undefined;
  const work = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
  const { result } = renderHook(() => useAct(work));
  let first: Promise<boolean> | undefined;
  await act(async () => {
    first = result.current.run();
    expect(await result.current.run()).toBe(false);
  });
  expect(result.current.pending).toBe(true);
  await act(async () => {
    finish();
    expect(await first).toBe(true);
  });
  expect(work).toHaveBeenCalledOnce();
  expect(result.current.pending).toBe(false);
});

it('keeps the fault until the next try', async () => {
  const work = vi.fn<() => Promise<void>>();
  work.mockRejectedValueOnce(new Error('no'));
  work.mockResolvedValueOnce();
  const { result } = renderHook(() => useAct(work));
  await act(async () => expect(await result.current.run()).toBe(false));
  expect(result.current.error).toEqual(new Error('no'));
  await act(async () => expect(await result.current.run()).toBe(true));
  expect(result.current.error).toBeUndefined();
});
