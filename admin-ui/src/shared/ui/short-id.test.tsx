import { render } from '@testing-library/react';
import { expect, it } from 'vitest';
import { ShortId, shortId } from './short-id';

it('writes the kind and the end of an id, and leaves short ones whole', () => {
  expect(shortId('ord_01M8B5K09NEFJAVN14BQYY0JV1')).toBe('ord_…YY0JV1');
  expect(shortId('228b5812f71314cf')).toBe('…1314cf');
  expect(shortId('stf_1')).toBe('stf_1');
});

it('keeps the whole id for whoever copies or hears it', () => {
  const { container } = render(<ShortId id="ord_01M8B5K09NEFJAVN14BQYY0JV1" />);
  expect(container).toHaveTextContent('ord_01M8B5K09NEFJAVN14BQYY0JV1');
});
