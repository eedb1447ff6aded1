import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { SecretField } from './secret-field';
import { SecretOnce } from './secret-once';

function Field() {
  const [value, setValue] = useState('');
  return <SecretField label="APIv3 密钥" value={value} onChange={setValue} />;
}

afterEach(() => vi.useRealTimers());

it('is a password field that browsers do not offer to keep', () => {
  render(<Field />);
  const field = screen.getByLabelText('APIv3 密钥');
  expect(field).toHaveAttribute('type', 'password');
  expect(field).toHaveAttribute('autocomplete', 'new-password');
  expect(field).toHaveAttribute('spellcheck', 'false');
});

it('forgets the value after five minutes without an act', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  render(<Field />);
  await userEvent.setup({ advanceTimers: vi.advanceTimersByTime }).type(screen.getByLabelText('APIv3 密钥'), 'secret');
  act(() => {
    vi.advanceTimersByTime(5 * 60_000);
  });
  expect(screen.getByLabelText('APIv3 密钥')).toHaveValue('');
  expect(screen.getByText('因长时间未操作，已清空')).toBeInTheDocument();
});

it('shows a new secret until the person says that it is stored', async () => {
  const onClose = vi.fn();
  render(<SecretOnce title="新的 API 密钥" secret="trb_test_x" what="API 密钥" onClose={onClose} />);
  const close = screen.getByRole('button', { name: /关\s*闭/ });
  await userEvent.keyboard('{Escape}');
  expect(onClose).not.toHaveBeenCalled();
  expect(close).toBeDisabled();
  await userEvent.click(screen.getByRole('checkbox', { name: '我已妥善保存' }));
  await userEvent.click(close);
  expect(onClose).toHaveBeenCalledOnce();
});
