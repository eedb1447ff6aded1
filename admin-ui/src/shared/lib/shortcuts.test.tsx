import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { choose } from './preferences';
import { useShortcuts } from './shortcuts';

const acts = { j: vi.fn(), o: vi.fn(), 'g o': vi.fn() };

function Page() {
  useShortcuts(acts);
  return <input aria-label="field" />;
}

afterEach(() => {
  choose({ shortcuts: 'on' });
  vi.clearAllMocks();
});

it('acts on letters and sequences', async () => {
  render(<Page />);
  await userEvent.keyboard('j');
  await userEvent.keyboard('go');
  expect([acts.j.mock.calls.length, acts['g o'].mock.calls.length, acts.o.mock.calls.length]).toEqual([1, 1, 0]);
});

it('leaves typing alone', async () => {
  render(<Page />);
  await userEvent.type(screen.getByLabelText('field'), 'jgo');
  expect(acts.j).not.toHaveBeenCalled();
  expect(screen.getByLabelText('field')).toHaveValue('jgo');
});

it('can be turned off', async () => {
  choose({ shortcuts: 'off' });
  render(<Page />);
  await userEvent.keyboard('j');
  expect(acts.j).not.toHaveBeenCalled();
});
