import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ThemeProvider } from '@/shared/theme/theme-provider';
import type { ListedRefund } from '../queries';
import { RedirectDialog } from './redirect-dialog';

const REFUND = {
  id: 'ref_01JAE2M4Q8W3N7R5T9V1X6Z0BC',
  merchant_refund_no: 'R20261121-0001',
} as unknown as ListedRefund;

const calls: Request[] = [];

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal('fetch', async (request: Request) => {
    calls.push(request);
    return new Response('{}', { status: 200 });
  });
});

afterEach(() => vi.unstubAllGlobals());

/** Opens the dialog and waits until it has taken the focus. */
async function open() {
  const onClose = vi.fn();
  render(
    <ThemeProvider>
      <QueryClientProvider client={new QueryClient()}>
        <RedirectDialog open refund={REFUND} onClose={onClose} />
      </QueryClientProvider>
    </ThemeProvider>,
  );
  await waitFor(() => expect(screen.getByRole('button', { name: '取消' })).toHaveFocus());
  return onClose;
}

async function confirm() {
  await userEvent.type(screen.getByRole('textbox', { name: '原因' }), '原卡已注销');
  await userEvent.type(screen.getByRole('textbox', { name: /最后 4 位/ }), '0001');
}

it('sends nothing to a card before bank, number and holder are there', async () => {
  await open();
  await confirm();
  expect(screen.getByRole('button', { name: '提交微信支付' })).toBeDisabled();
  await userEvent.type(screen.getByLabelText('银行卡号'), '6222020200112233445');
  await userEvent.type(screen.getByLabelText('持卡人姓名'), '张三');
  expect(screen.getByRole('button', { name: '提交微信支付' })).toBeDisabled();
  expect(calls).toHaveLength(0);
});

it('sends the payee once, and shows the card number to nobody', async () => {
  const onClose = await open();
  await userEvent.click(screen.getByRole('combobox', { name: '开户银行' }));
  await userEvent.click(await screen.findByTitle('工商银行'));
  const card = screen.getByLabelText('银行卡号');
  expect(card).toHaveAttribute('type', 'password');
  await userEvent.type(card, '6222020200112233445');
  await userEvent.type(screen.getByLabelText('持卡人姓名'), '张三');
  await confirm();
  await userEvent.dblClick(screen.getByRole('button', { name: '提交微信支付' }));
  await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  expect(calls).toHaveLength(1);
  expect(await calls[0]?.json()).toEqual({
    type: 'user_bank_card',
    bank_type: 'ICBC_DEBIT',
    bank_account: '6222020200112233445',
    real_name: '张三',
    reason: '原卡已注销',
  });
});

it('needs no payee to send the money to the sub-merchant', async () => {
  await open();
  await userEvent.click(screen.getByText('特约商户账户'));
  expect(screen.queryByLabelText('银行卡号')).not.toBeInTheDocument();
  await confirm();
  await userEvent.click(screen.getByRole('button', { name: '提交微信支付' }));
  await waitFor(() => expect(calls).toHaveLength(1));
  expect(await calls[0]?.json()).toEqual({ type: 'merchant_bank_card', reason: '原卡已注销' });
});
