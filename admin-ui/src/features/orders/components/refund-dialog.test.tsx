import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Me } from '@/app/session/session';
import { MeContext } from '@/app/session/use-session';
import { ThemeProvider } from '@/shared/theme/theme-provider';
import type { ListedOrder } from '../queries';
import { RefundDialog } from './refund-dialog';

vi.mock('@tanstack/react-router', () => ({
  Link: ({ params, children }: { params: { approvalId: string }; children: string }) => (
    <a href={`/inbox/approvals/${params.approvalId}`}>{children}</a>
  ),
}));

const ORDER = {
  id: 'ord_01JAE2M4Q8W3N7R5T9V1X6Z0BC',
  merchant_order_no: 'T20261121-0001',
  paid: 888,
  refunded: 100,
  refunding: 88,
} as unknown as ListedOrder;

const ME = { permissions: [], limits: { refund_without_approval: 500 } } as unknown as Me;

const calls: Request[] = [];
let answers: Response[] = [];

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal('fetch', async (request: Request) => {
    calls.push(request);
    return answers.shift() ?? new Response('{}', { status: 201 });
  });
});

afterEach(() => vi.unstubAllGlobals());

/** Opens the dialog and waits until it has taken the focus, which would otherwise be taken from what is typed. */
async function open() {
  const onClose = vi.fn();
  render(
    <ThemeProvider>
      <MeContext value={ME}>
        <QueryClientProvider client={new QueryClient()}>
          <RefundDialog open order={ORDER} onClose={onClose} />
        </QueryClientProvider>
      </MeContext>
    </ThemeProvider>,
  );
  await waitFor(() => expect(screen.getByRole('button', { name: '取消' })).toHaveFocus());
  return onClose;
}

async function confirm() {
  await userEvent.type(screen.getByRole('textbox', { name: '原因' }), '缺货');
  await userEvent.type(screen.getByRole('textbox', { name: /最后 4 位/ }), '0001');
}

it('begins with what is left, which neither refunds that arrived nor those under way have', async () => {
  await open();
  expect(screen.getByLabelText('退款金额（元）')).toHaveValue('7.00');
});

it('blocks more than what is left, and half a fen', async () => {
  await open();
  const amount = screen.getByLabelText('退款金额（元）');
  await userEvent.clear(amount);
  await userEvent.type(amount, '7.01');
  expect(screen.getByText('超过可退金额')).toBeInTheDocument();
  await userEvent.clear(amount);
  await userEvent.type(amount, '1.005');
  expect(screen.getByText('最多两位小数')).toBeInTheDocument();
  await confirm();
  expect(screen.getByRole('button', { name: /^退款/ })).toBeDisabled();
});

it('sends fen as a whole number, once, however often the button is pressed', async () => {
  const onClose = await open();
  const amount = screen.getByLabelText('退款金额（元）');
  await userEvent.clear(amount);
  await userEvent.type(amount, '3.10');
  await confirm();
  await userEvent.dblClick(screen.getByRole('button', { name: '退款 ¥3.10' }));
  await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  expect(calls).toHaveLength(1);
  expect(await calls[0]?.json()).toEqual({ refund: 310, reason: '缺货' });
  expect(calls[0]?.headers.get('Idempotency-Key')).toMatch(/^ui-/);
});

it('says beforehand that a second person approves, and afterwards that the request waits', async () => {
  const detail = 'apr_01JAE2M4Q8W3N7R5T9V1X6Z0BC waits for a second person';
  answers = [new Response(JSON.stringify({ code: 'approval_required', title: 'x', detail }), { status: 409 })];
  const onClose = await open();
  expect(screen.getByText(/另一位有权限的同事/)).toBeInTheDocument();
  await confirm();
  await userEvent.click(screen.getByRole('button', { name: '申请退款 ¥7.00' }));
  await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  expect(await screen.findByText(/款项尚未退回/)).toBeInTheDocument();
  expect(screen.getByRole('link', { name: '查看申请' })).toHaveAttribute(
    'href',
    '/inbox/approvals/apr_01JAE2M4Q8W3N7R5T9V1X6Z0BC',
  );
});

it('counts what went back before, so that a large refund does not pass in small ones', async () => {
  await open();
  const amount = screen.getByLabelText('退款金额（元）');
  await userEvent.clear(amount);
  await userEvent.type(amount, '3.12');
  expect(screen.queryByText(/另一位有权限的同事/)).toBeNull();
  await userEvent.clear(amount);
  await userEvent.type(amount, '3.13');
  expect(screen.getByText(/另一位有权限的同事/)).toBeInTheDocument();
});
