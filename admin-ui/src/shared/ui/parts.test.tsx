import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { ProblemError } from '@/api/problem';
import { expectNoViolations } from '../../../tests/axe';
import { ThemeProvider } from '../theme/theme-provider';
import { Empty } from './empty';
import { IdText } from './id-text';
import { JsonView, pretty } from './json-view';
import { Money } from './money';
import { Notices } from './notices';
import { Page } from './page';
import { ProblemView } from './problem-view';
import { type StateWord, StatusTag } from './status-tag';
import { TimeText } from './time-text';

const STATES: Record<string, StateWord> = { paid: { zh: '已支付', en: 'Paid', tone: 'ok' } };

it('shows a state as a word, and one that nobody named as itself', () => {
  render(
    <>
      <StatusTag value="paid" words={STATES} />
      <StatusTag value="brand_new" words={STATES} />
    </>,
  );
  expect(screen.getByText('已支付')).toHaveClass('tag-ok');
  expect(screen.getByText('brand_new')).toHaveClass('tag-idle');
});

it('copies the raw value of an identifier', async () => {
  const user = userEvent.setup();
  render(
    <>
      <IdText value="4200002026202611211234567890" what="微信订单号" />
      <Notices />
    </>,
  );
  await user.click(screen.getByRole('button', { name: '复制微信订单号 4200002026202611211234567890' }));
  expect(await navigator.clipboard.readText()).toBe('4200002026202611211234567890');
  expect(screen.getByRole('status')).toHaveTextContent('已复制');
});

it('shows Beijing time with UTC beside it', () => {
  render(<TimeText at="2026-11-20T06:03:11Z" />);
  const time = screen.getByText('2026-11-20 14:03:11');
  expect(time).toHaveAttribute('datetime', '2026-11-20T06:03:11.000Z');
});

it('shows what is absent as a dash', () => {
  render(<TimeText at={undefined} />);
  expect(screen.getByText('—')).toBeInTheDocument();
});

it('never lets a number of a payload change on its way to the page', () => {
  const raw = '{"transaction_id":4200002026202611211234567890}';
  expect(pretty(raw)).toBe(raw);
  expect(pretty('{"a":"4200002026202611211234567890"}')).toBe('{\n  "a": "4200002026202611211234567890"\n}');
  expect(pretty('not json')).toBe('not json');
});

it('says code, request id and who must act', () => {
  const error = new ProblemError({
    status: 502,
    code: 'wechat_refused',
    title: 'WeChat refused',
    requestId: 'req_1',
    fields: [],
    wechat: { code: 'NO_AUTH', message: '无权限', retryable: false, who_must_act: 'provider' },
  });
  render(
    <ThemeProvider>
      <ProblemView error={error} />
    </ThemeProvider>,
  );
  const alert = screen.getByRole('alert');
  for (const text of ['微信支付拒绝了这次请求', 'wechat_refused', 'req_1', 'NO_AUTH', '服务商人员'])
    expect(alert).toHaveTextContent(text);
});

it('names the permission that is missing', () => {
  const error = new ProblemError({
    status: 403,
    code: 'permission_denied',
    title: 'x',
    fields: [],
    permission: 'refund:create',
  });
  render(<ProblemView error={error} />);
  expect(screen.getByRole('alert')).toHaveTextContent('缺少权限 refund:create');
});

it('waits as long as the server says before trying again', () => {
  const error = new ProblemError({ status: 429, code: 'rate_limited', title: 'x', fields: [], retryAfterSeconds: 30 });
  render(<ProblemView error={error} onRetry={() => undefined} />);
  expect(screen.getByRole('button', { name: '30 秒后可重试' })).toBeDisabled();
});

it('has names and roles that a screen reader understands', async () => {
  const { container } = render(
    <ThemeProvider>
      <main>
        <Page title="订单">
          <StatusTag value="paid" words={STATES} />
          <Money fen={123450} />
          <IdText value="ord_1" what="订单" />
          <JsonView value={{ a: 1 }} what="报文" />
          <Empty text="还没有订单" />
          <ProblemView error={new TypeError('Failed to fetch')} onRetry={() => undefined} />
        </Page>
      </main>
    </ThemeProvider>,
  );
  await expectNoViolations(container);
});
