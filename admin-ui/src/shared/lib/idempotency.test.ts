import { act, renderHook } from '@testing-library/react';
import { expect, it } from 'vitest';
import { newIdempotencyKey, useIdempotencyKey } from './idempotency';

it('never makes a key twice', () => {
  expect(new Set(Array.from({ length: 1_000 }, newIdempotencyKey)).size).toBe(1_000);
});

it('keeps the key of a form until the next act', () => {
  const { result, rerender } = renderHook(useIdempotencyKey);
  const first = result.current.key;
  rerender();
  expect(result.current.key).toBe(first);
  act(() => result.current.renew());
  expect(result.current.key).not.toBe(first);
});
