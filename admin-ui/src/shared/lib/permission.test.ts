import { expect, it } from 'vitest';
import { actionOf, grants } from './permission';

it('grants what the server granted and nothing like it', () => {
  const can = grants(['orders:read']);
  expect([can('orders:read'), can('orders'), can('orders:write')]).toEqual([true, false, false]);
});

it('finds an action with its reason', () => {
  const actions = [{ name: 'close', allowed: false, why_not: 'paid' }];
  expect(actionOf(actions, 'close')?.why_not).toBe('paid');
  expect(actionOf(actions, 'refund')).toBeUndefined();
  expect(actionOf(undefined, 'refund')).toBeUndefined();
});
