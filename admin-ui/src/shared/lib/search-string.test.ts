import { describe, expect, it } from 'vitest';
import { foldPasted, parseSearch, plainSearch, stringifySearch } from './search-string';

const TRANSACTION = '4200002026202611211234567890';

describe('the query string', () => {
  it('keeps a number of 28 digits to the last', () => {
    const search = parseSearch(`?number=${TRANSACTION}`);
    expect(search).toEqual({ number: TRANSACTION });
    expect(stringifySearch(search)).toBe(`?number=${TRANSACTION}`);
  });

  it('never guesses at types', () => {
    expect(parseSearch('?a=true&b=null&c=[1]&d=007&e=1e5')).toEqual({
      a: 'true',
      b: 'null',
      c: '[1]',
      d: '007',
      e: '1e5',
    });
  });

  it('comes back as it went in', () => {
    for (const value of ['T2026|*-_@', '中文 空格', 'a&b=c', '+08:00', '"quoted"'])
      expect(parseSearch(stringifySearch({ value }))).toEqual({ value });
  });

  it('leaves out what is absent', () => {
    expect(stringifySearch({ a: undefined, b: '', c: null })).toBe('');
  });

  it('keeps only what the route knows', () => {
    expect(plainSearch(['state', 'cursor'])({ state: 'paid', evil: 'x', cursor: '' })).toEqual({ state: 'paid' });
  });
});

describe('pasted text', () => {
  it.each([
    [` ${TRANSACTION} `, TRANSACTION],
    [`"${TRANSACTION}",`, TRANSACTION],
    ['“T2026-1”', 'T2026-1'],
    ['４２００００２０', '42000020'],
    ["'ord_01JA'，", 'ord_01JA'],
  ])('%j is %j', (pasted, folded) => expect(foldPasted(pasted)).toBe(folded));
});
