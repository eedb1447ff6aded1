import { expect, it } from 'vitest';
import { csvText } from './csv';

it('opens in a spreadsheet and runs nothing', () => {
  expect(
    csvText(
      ['名称', '金额 (元)'],
      [
        ['=1+1', -5],
        ['a "b", c', '-12.00'],
        ['-cmd', 1],
      ],
    ),
  ).toBe('\uFEFF名称,金额 (元)\r\n\'=1+1,-5\r\n"a ""b"", c",-12.00\r\n\'-cmd,1\r\n');
});
