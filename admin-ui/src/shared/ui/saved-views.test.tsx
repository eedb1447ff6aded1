import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it, vi } from 'vitest';
import { expectNoViolations } from '../../../tests/axe';
import { choose, preferences } from '../lib/preferences';
import { ThemeProvider } from '../theme/theme-provider';
import { SavedViews } from './saved-views';

const address = vi.hoisted(() => ({ search: {} as Record<string, string>, change: vi.fn() }));
vi.mock('../lib/address', () => ({ useAddress: () => address }));

beforeEach(() => {
  choose({ views: {} });
  address.search = { state: 'paid', sub_mchid: '1900000109', cursor: 'abc', limit: '50' };
  address.change.mockClear();
});

async function open() {
  render(
    <ThemeProvider>
      <SavedViews name="orders" builtIn={[{ zh: '有问题', en: 'Trouble', search: { problem: 'any' } }]} />
    </ThemeProvider>,
  );
  await userEvent.click(screen.getByRole('button', { name: '视图' }));
}

it('keeps the filters of the address under a name, and not the place in the list', async () => {
  await open();
  await userEvent.type(await screen.findByRole('textbox', { name: '把当前筛选保存为' }), '门店一{Enter}');
  expect(preferences().views).toEqual({ orders: { 门店一: '?state=paid&sub_mchid=1900000109' } });
  await expectNoViolations(screen.getByRole('tooltip'));
});

it('puts a view in the place of whatever is filtered', async () => {
  choose({ views: { orders: { 门店一: '?state=closed' } } });
  await open();
  await userEvent.click(await screen.findByRole('button', { name: '门店一' }));
  const gone = { sub_mchid: undefined, cursor: undefined, limit: undefined };
  expect(address.change).toHaveBeenLastCalledWith({ ...gone, state: 'closed' });
  await userEvent.click(screen.getByRole('button', { name: '视图' }));
  await userEvent.click(await screen.findByRole('button', { name: '有问题' }));
  expect(address.change).toHaveBeenLastCalledWith({ ...gone, state: undefined, problem: 'any' });
});

it('forgets a view', async () => {
  choose({ views: { orders: { 门店一: '?state=closed' } } });
  await open();
  await userEvent.click(await screen.findByRole('button', { name: '删除视图 门店一' }));
  expect(preferences().views).toEqual({ orders: {} });
});
