import { expect, it } from 'vitest';
import { windowOf } from './window';

it('is the last seven days of Beijing unless the address says otherwise', () => {
  expect(windowOf({}, '2026-11-20')).toEqual({ from: '2026-11-14T00:00:00+08:00' });
});

it('ends before the day after the last', () => {
  expect(windowOf({ from: '2026-11-01', to: '2026-11-01' })).toEqual({
    from: '2026-11-01T00:00:00+08:00',
    to: '2026-11-02T00:00:00+08:00',
  });
});

it('does not trust what a hand-made link says', () => {
  expect(windowOf({ from: 'yesterday', to: '2026-13-01' }, '2026-11-20')).toEqual({
    from: '2026-11-14T00:00:00+08:00',
  });
});
