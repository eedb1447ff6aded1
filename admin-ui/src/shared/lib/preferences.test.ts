import { beforeEach, expect, it, vi } from 'vitest';

beforeEach(() => {
  localStorage.clear();
  vi.resetModules();
});

it('keeps what was chosen, and nothing else', async () => {
  const first = await import('./preferences');
  first.choose({ theme: 'dark', columns: { orders: 'method' } });
  vi.resetModules();
  const second = await import('./preferences');
  expect(second.preferences()).toMatchObject({ theme: 'dark', columns: { orders: 'method' }, language: 'zh-CN' });
  expect(Object.keys(localStorage)).toEqual(['tributary.preferences']);
});

it('does not trust what it finds', async () => {
  localStorage.setItem('tributary.preferences', '{"theme":"pink","language":7,"columns":{"a":1},"evil":true}');
  const { preferences } = await import('./preferences');
  expect(preferences()).toMatchObject({ theme: 'system', language: 'zh-CN', columns: {} });
  expect(preferences()).not.toHaveProperty('evil');
});
