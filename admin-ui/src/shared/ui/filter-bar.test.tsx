import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { FilterBar, type FilterField, isFiltered } from './filter-bar';

const FIELDS: readonly FilterField[] = [
  { kind: 'text', name: 'number', label: { zh: '单号', en: 'Number' } },
  {
    kind: 'choice',
    name: 'state',
    label: { zh: '状态', en: 'State' },
    choices: [{ value: 'paid', zh: '已支付', en: 'Paid' }],
  },
  { kind: 'days', name: 'created_from', end: 'created_to', label: { zh: '下单时间', en: 'Created' }, window: true },
];

it('shows the default window as a chip that cannot hide', () => {
  render(<FilterBar fields={FIELDS} search={{}} onChange={vi.fn()} />);
  expect(screen.getByText('下单时间: 近 7 天（默认）')).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: '清除筛选' })).toBeNull();
});

it('folds what is pasted, writes the address and forgets the cursor', async () => {
  const onChange = vi.fn();
  render(<FilterBar fields={FIELDS} search={{ cursor: 'ord_9' }} onChange={onChange} />);
  await userEvent.type(screen.getByRole('textbox', { name: '单号' }), '"４２０００",{Enter}');
  expect(onChange).toHaveBeenCalledWith({ number: '42000', cursor: undefined });
});

it('shows each filter as a chip that can be taken away', async () => {
  const onChange = vi.fn();
  const search = { state: 'paid', created_from: '2026-11-01', created_to: '2026-11-02' };
  render(<FilterBar fields={FIELDS} search={search} onChange={onChange} />);
  expect(isFiltered(FIELDS, search)).toBe(true);
  await userEvent.click(screen.getByRole('button', { name: '移除筛选：状态: 已支付' }));
  expect(onChange).toHaveBeenLastCalledWith({ state: undefined, cursor: undefined });
  await userEvent.click(screen.getByRole('button', { name: /清除筛选/ }));
  expect(onChange).toHaveBeenLastCalledWith({
    state: undefined,
    created_from: undefined,
    created_to: undefined,
    cursor: undefined,
  });
});

it('offers ranges as buttons', async () => {
  const onChange = vi.fn();
  render(<FilterBar fields={FIELDS} search={{}} onChange={onChange} />);
  await userEvent.click(screen.getByRole('button', { name: /昨\s*天/ }));
  const [change] = onChange.mock.calls[0] ?? [];
  expect(change.created_from).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(change.created_from).toBe(change.created_to);
});
