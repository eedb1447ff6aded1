import { describe, expect, it } from 'vitest';
import { formatFen, formatRate, MAX_FEN, parseYuan, sumFen, toJsonFen, yuanText } from './money';

describe('money', () => {
  it('is written with the sign first, groups and two decimals', () => {
    expect([0, 1, 10, 123450, -5, -123456789].map(formatFen)).toEqual([
      '¥0.00',
      '¥0.01',
      '¥0.10',
      '¥1,234.50',
      '-¥0.05',
      '-¥1,234,567.89',
    ]);
  });

  it('stays exact beyond what a float holds', () => {
    expect(formatFen(9_007_199_254_740_993n)).toBe('¥90,071,992,547,409.93');
    expect(sumFen([Number.MAX_SAFE_INTEGER, 2])).toBe(9_007_199_254_740_993n);
  });

  it('refuses a fraction of a fen', () => {
    expect(() => formatFen(0.1)).toThrow(RangeError);
    expect(() => toJsonFen(2n ** 60n)).toThrow(RangeError);
  });

  it('is read as people type it', () => {
    const texts = ['12', '12.', '12.3', '¥1,234.50', '１２．３０', ' 0.01 元'];
    expect(texts.map((text) => parseYuan(text))).toEqual(
      [1200n, 1200n, 1230n, 123450n, 1230n, 1n].map((fen) => ({ fen })),
    );
  });

  it.each([
    ['', 'empty'],
    ['abc', 'not_a_number'],
    ['1e3', 'not_a_number'],
    ['1.234', 'too_many_decimals'],
    ['0.00', 'not_positive'],
    ['-1', 'not_positive'],
    ['100000000.01', 'too_large'],
  ])('refuses %j as %s', (text, fault) => {
    expect(parseYuan(text)).toEqual({ fault });
  });

  it('refuses more than is left', () => {
    expect(parseYuan('8.89', 888n)).toEqual({ fault: 'too_large' });
    expect(parseYuan('8.88', 888n)).toEqual({ fen: 888n });
  });

  it('comes back from a field as it went in', () => {
    for (const fen of [1n, 99n, 100n, 123456n, MAX_FEN]) expect(parseYuan(yuanText(fen))).toEqual({ fen });
  });

  it('writes rates without floats', () => {
    expect([9870, 10000, 5, 0].map(formatRate)).toEqual(['98.70%', '100.00%', '0.05%', '0.00%']);
  });
});
