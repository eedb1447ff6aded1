/** What changes on the server changes on an open page, without a reload and without asking again and again. */
import type { Page } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { endWell, openAlone, openAs, settled } from '../browser';
import { paidOrder, pay, placeOrder } from '../demo';
import { newPerson } from '../people';

const { owner } = inject('facts');
const LINE = '**/admin/v1/events';
/** Longer than any page waits between two questions while it has no line. */
const QUIET_MS = 7_000;

/** Counts what the page asks for from now on. */
function questions(page: Page): string[] {
  const asked: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/admin/v1/')) asked.push(pathname);
  });
  return asked;
}

it('shows that an order was paid while its page is open', async () => {
  const order = await placeOrder(500);
  const watched = await openAs(owner, '/staff');
  const { page } = watched;
  const line = page.waitForResponse((answer) => answer.url().endsWith('/events'));
  await page.goto(page.url().replace(/\/staff$/, `/orders/${order.id}`));
  expect((await line).headers()['content-type']).toContain('text/event-stream');
  await page.locator('.order-sum').getByText('支付中').waitFor();
  await settled(page);
  const asked = questions(page);
  await page.waitForTimeout(QUIET_MS);
  expect(asked).toEqual([]);
  await pay(order);
  await page.locator('.order-sum').getByText('已支付').waitFor();
  await page
    .getByText(/支付成功|已支付/)
    .first()
    .waitFor();
  expect(asked.filter((path) => path.endsWith(order.id)).length).toBeGreaterThan(0);
  await endWell(watched);
});

it('changes a row where it stands, and lets new rows wait until they are asked for', async () => {
  const order = await placeOrder(500);
  const watched = await openAs(owner, '/orders');
  const { page } = watched;
  const row = page.getByRole('row', { name: new RegExp(order.merchant_order_no) });
  await row.getByText('支付中').waitFor();
  const place = await row.boundingBox();
  const newer = await paidOrder(700);
  await pay(order);
  await row.getByText('已支付').waitFor();
  await page.getByRole('button', { name: /^显示 \d+ 条变化$/ }).waitFor();
  expect(await row.boundingBox()).toEqual(place);
  expect(await page.getByRole('link', { name: newer.merchant_order_no }).count()).toBe(0);
  await page.getByRole('button', { name: /^显示 \d+ 条变化$/ }).click();
  await page.getByRole('link', { name: newer.merchant_order_no }).waitFor();
  await endWell(watched);
});

it('asks by itself where the line cannot be held', async () => {
  const order = await placeOrder(500);
  const watched = await openAlone(await newPerson(['platform_ops']));
  const { page } = watched;
  await page.route(LINE, (route) => route.fulfill({ status: 429, body: '{"code":"rate_limited"}' }));
  await page.goto(page.url().replace(/\/admin\/.*$/, `/admin/orders/${order.id}`));
  await page.locator('.order-sum').getByText('支付中').waitFor();
  await pay(order);
  await page.locator('.order-sum').getByText('已支付').waitFor();
  await endWell(watched);
});
