import { describe, expect, it } from 'vitest';
import { dictionary, pick, translate } from './i18n';

const words = dictionary(
  { title: '订单', found: '找到 {count} 笔' },
  { title: 'Orders', found: '{count} orders found' },
);

describe('the dictionary', () => {
  it('speaks both languages', () => {
    expect(translate(words, 'zh-CN')('found', { count: 3 })).toBe('找到 3 笔');
    expect(translate(words, 'en')('found', { count: 3 })).toBe('3 orders found');
  });

  it('makes the pseudo language at least 40 % longer', () => {
    const text = pick({ zh: '', en: 'Merchant order number' }, 'pseudo');
    expect(text.length).toBeGreaterThanOrEqual(Math.floor('Merchant order number'.length * 1.4));
  });

  it('does not compile with a missing key, another placeholder or a stray key', () => {
    // @ts-expect-error: `title` has no English.
    dictionary({ title: '订单' }, {});
    // @ts-expect-error: another placeholder.
    dictionary({ found: '{count} 笔' }, { found: '{number} orders' });
    // @ts-expect-error: no Chinese.
    dictionary({ title: '订单' }, { title: 'Orders', stray: 'Stray' });
    // @ts-expect-error: the placeholder is not filled.
    expect(translate(words, 'en')('found')).toBe('{count} orders found');
  });
});
