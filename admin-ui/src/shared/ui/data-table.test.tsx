import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it } from 'vitest';
import { expectNoViolations } from '../../../tests/axe';
import { type Column, DataTable, type ListQuery } from './data-table';

interface Order {
  readonly id: string;
  readonly note: string;
}

const COLUMNS: readonly Column<Order>[] = [
  { key: 'id', title: { zh: '订单号', en: 'Order' }, render: (row) => <a href={`#${row.id}`}>{row.id}</a> },
  { key: 'note', title: { zh: '备注', en: 'Note' }, render: (row) => row.note },
  { key: 'rare', title: { zh: '少用', en: 'Rare' }, render: () => 'x', hidden: true },
];

const ROWS = [
  { id: 'a', note: '一' },
  { id: 'b', note: '二' },
];

function query(change: Partial<ListQuery<Order[]>>): ListQuery<Order[]> {
  return { data: undefined, isPending: false, isFetching: false, error: null, refetch: () => undefined, ...change };
}

function Table({ state, chosen }: { state: ListQuery<Order[]>; chosen?: boolean }) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  return (
    <DataTable
      name="test"
      caption="订单"
      columns={COLUMNS}
      query={state}
      rowsOf={(rows) => rows}
      rowKey={(row) => row.id}
      empty={<p>还没有订单</p>}
      selection={chosen ? { chosen: selected, onChange: setSelected } : undefined}
    />
  );
}

it('is one table with header cells of columns and rows', () => {
  render(<Table state={query({ data: ROWS })} />);
  const table = screen.getByRole('table', { name: '订单' });
  expect(
    within(table)
      .getAllByRole('columnheader')
      .map((cell) => cell.textContent),
  ).toEqual(['订单号', '备注']);
  expect(
    within(table)
      .getAllByRole('rowheader')
      .map((cell) => cell.textContent),
  ).toEqual(['a', 'b']);
});

it('keeps the old rows while new ones come, and when they do not come', () => {
  const { rerender } = render(<Table state={query({ data: ROWS, isFetching: true })} />);
  expect(screen.getByText('正在刷新')).toBeInTheDocument();
  rerender(<Table state={query({ data: ROWS, error: new TypeError('down') })} />);
  expect(screen.getByRole('alert')).toHaveTextContent('服务器没有应答');
  expect(screen.getByRole('link', { name: 'a' })).toBeInTheDocument();
});

it('shows nothing at first, and its shape only when the answer is late', async () => {
  render(<Table state={query({ isPending: true })} />);
  expect(screen.queryByRole('status')).toBeNull();
  expect(await screen.findByRole('status')).toHaveTextContent('加载中');
});

it('says when it is empty', () => {
  render(<Table state={query({ data: [] })} />);
  expect(screen.getByText('还没有订单')).toBeInTheDocument();
});

it('moves through the rows by j and k', async () => {
  render(<Table state={query({ data: ROWS })} />);
  await userEvent.keyboard('jj');
  expect(screen.getByRole('link', { name: 'b' })).toHaveFocus();
  await userEvent.keyboard('k');
  expect(screen.getByRole('link', { name: 'a' })).toHaveFocus();
});

it('lets rows be chosen, one or all', async () => {
  const { container } = render(<Table state={query({ data: ROWS })} chosen />);
  await userEvent.click(screen.getByRole('checkbox', { name: '选择 b' }));
  expect(screen.getByRole('checkbox', { name: '全选本页' })).not.toBeChecked();
  await userEvent.click(screen.getByRole('checkbox', { name: '全选本页' }));
  expect(screen.getByRole('checkbox', { name: '选择 a' })).toBeChecked();
  await expectNoViolations(container);
});
