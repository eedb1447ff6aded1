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

it('keeps views by list, as far as they are texts', async () => {
  const first = await import('./preferences');
  first.choose({ views: { orders: { 未送达: '?problem=undelivered' } } });
  vi.resetModules();
  expect((await import('./preferences')).preferences().views).toEqual({ orders: { 未送达: '?problem=undelivered' } });
  localStorage.setItem('tributary.preferences', '{"views":{"orders":{"a":1,"b":"?x=y"},"refunds":null}}');
  vi.resetModules();
  expect((await import('./preferences')).preferences().views).toEqual({ orders: { b: '?x=y' }, refunds: {} });
});

it('does not trust what it finds', async () => {
  localStorage.setItem('tributary.preferences', '{"theme":"pink","language":7,"columns":{"a":1},"evil":true}');
  const { preferences } = await import('./preferences');
  expect(preferences()).toMatchObject({ theme: 'system', language: 'zh-CN', columns: {} });
  expect(preferences()).not.toHaveProperty('evil');
});
