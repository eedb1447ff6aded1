import { describe, expect, it } from 'vitest';
import {
  addDays,
  beijing,
  beijingDay,
  beijingMillis,
  duration,
  endOfDay,
  isDay,
  monthOf,
  relative,
  startOfDay,
} from './time';

describe('time', () => {
  it('runs these tests far from Beijing', () => {
    expect(new Date(0).getTimezoneOffset()).not.toBe(-480);
  });

  it('is Beijing time whatever the zone of the browser', () => {
    expect(beijing('2026-11-20T06:03:11.045Z')).toBe('2026-11-20 14:03:11');
    expect(beijingMillis('2026-11-20T14:03:11.045+08:00')).toBe('2026-11-20 14:03:11.045');
  });

  it('changes the day at midnight in Beijing', () => {
    expect(beijingDay('2026-11-20T15:59:59.999Z')).toBe('2026-11-20');
    expect(beijingDay('2026-11-20T16:00:00Z')).toBe('2026-11-21');
  });

  it('names a day by the moments between which it lies', () => {
    expect(startOfDay('2026-12-31')).toBe('2026-12-31T00:00:00+08:00');
    expect(endOfDay('2026-12-31')).toBe('2027-01-01T00:00:00+08:00');
    expect(addDays('2024-03-01', -1)).toBe('2024-02-29');
    expect(monthOf('2026-01-15', -1)).toEqual({ from: '2025-12-01', to: '2025-12-31' });
  });

  it('knows which days exist', () => {
    expect(['2026-02-28', '2026-02-29', '2026-13-01', '2026-1-1', ''].map(isDay)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('writes spans by their two largest units', () => {
    expect([87, 1_000, 192_000, 3_600_000, 90_061_000].map((ms) => duration(ms, 'zh'))).toEqual([
      '87 毫秒',
      '1 秒',
      '3 分 12 秒',
      '1 小时',
      '1 天 1 小时',
    ]);
    expect(duration(192_000, 'en')).toBe('3 min 12 s');
  });

  it('says how long ago and in how long', () => {
    const now = Date.parse('2026-11-20T06:03:11Z');
    expect(relative('2026-11-20T06:00:00Z', now, 'zh')).toBe('3 分前');
    expect(relative('2026-11-20T08:03:11Z', now, 'en')).toBe('in 2 h');
  });

  it('leaves alone what is no time', () => {
    expect(beijing('soon')).toBe('soon');
  });
});
