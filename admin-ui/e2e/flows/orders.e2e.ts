/** Finding an order, explaining it, giving money back. */
import { expect, inject, it } from 'vitest';
import { clicksOf, endWell, openAs } from '../browser';
import { paidOrder, placeOrder } from '../demo';
import { proven } from '../people';

const { api_url, owner } = inject('facts');

it('finds an order by any of its numbers from anywhere, without a click', async () => {
  const order = await paidOrder(888);
  const watched = await openAs(owner, '/staff');
  const { page } = watched;
  for (const number of [order.merchant_order_no, ` "${order.transaction_id}", `, order.out_trade_no, order.id]) {
    const clicks = await clicksOf(page, async () => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: '搜索单号、商户、命令' }).fill(number);
      await page
        .getByRole('option', { name: new RegExp(order.merchant_order_no) })
        .first()
        .waitFor();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: `订单 ${order.merchant_order_no}` }).waitFor();
    });
    expect(clicks, number).toBe(0);
    await page.goBack();
  }
  await endWell(watched);
});

it('keeps filters in the address: reload, back and a link give the same list', async () => {
  const watched = await openAs(owner, '/orders');
  const { page } = watched;
  await page.getByRole('combobox', { name: '状态' }).click();
  await page.getByRole('option', { name: '已支付' }).or(page.getByTitle('已支付')).first().click();
  await expect.poll(() => new URL(page.url()).searchParams.get('state')).toBe('paid');
  await page.reload();
  await page.getByText('状态: 已支付').waitFor();
  await page.goBack();
  await page.getByText('状态: 已支付').waitFor({ state: 'hidden' });
  await endWell(watched);
});

it.each([
  ['orders', '导出订单'],
  ['refunds', '导出退款'],
])('makes a file of the %s that are listed, found again under jobs', async (list, kind) => {
  await paidOrder(888);
  const watched = await openAs(owner, `/${list}?mode=test`);
  const { page } = watched;
  await page.getByRole('button', { name: '导出 CSV' }).click();
  const dialog = page.getByRole('dialog', { name: '导出 CSV' });
  await dialog.getByRole('button', { name: '导出 CSV' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.goto(new URL('jobs', page.url()).href);
  await page.getByRole('link', { name: kind }).first().click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: `下载 ${list}.csv` }).click();
  expect((await download).suggestedFilename()).toBe(`${list}.csv`);
  await endWell(watched);
});

it('keeps a number of 28 digits whole in a hand-made link', async () => {
  const order = await paidOrder(100);
  expect(order.transaction_id).toMatch(/^\d{28}$/);
  const watched = await openAs(owner, `/orders?number=${order.transaction_id}`);
  await watched.page.getByRole('link', { name: order.merchant_order_no }).waitFor();
  expect(await watched.page.getByRole('rowheader').count()).toBe(1);
  await endWell(watched);
});

it('explains an order from its time line', async () => {
  const order = await paidOrder(1234);
  const watched = await openAs(owner, `/orders/${order.id}`);
  const { page } = watched;
  const entries = page.locator('.timeline-entry');
  await entries.first().waitFor();
  expect(await entries.count()).toBeGreaterThan(3);
  await page.getByText('微信', { exact: true }).first().waitFor();
  await page.getByRole('checkbox', { name: '只看问题' }).check();
  await expect.poll(() => new URL(page.url()).searchParams.get('only')).toBe('problems');
  await endWell(watched);
});

it('gives a part back within four clicks, exact to the fen', async () => {
  const order = await paidOrder(888);
  await proven(owner);
  const watched = await openAs(owner, `/orders/${order.id}`);
  const { page } = watched;
  await page.getByRole('button', { name: '退款' }).waitFor();
  const clicks = await clicksOf(page, async () => {
    await page.getByRole('button', { name: '退款', exact: true }).click();
    await page.getByLabel('退款金额（元）').fill('3.10');
    await page.getByRole('textbox', { name: '原因' }).fill('缺货');
    await page.getByRole('textbox', { name: /最后 4 位/ }).fill(order.merchant_order_no.slice(-4));
    await page.getByRole('button', { name: '退款 ¥3.10' }).click();
    await page.getByText('退款已受理，结果以退款状态为准').waitFor();
  });
  expect(clicks).toBeLessThanOrEqual(4);
  await page.getByRole('tab', { name: '退款 1' }).click();
  await page.getByText('¥3.10').first().waitFor();
  await endWell(watched);
});

it('blocks more than can be refunded, and refunds nothing that is not paid', async () => {
  const open = await placeOrder(500);
  const watched = await openAs(owner, `/orders/${open.id}`);
  const { page } = watched;
  await page.getByRole('button', { name: '退款', exact: true }).waitFor();
  expect(await page.getByRole('button', { name: '退款', exact: true }).isDisabled()).toBe(true);
  await page.getByText('为什么有些操作现在不可用').click();
  await page.goto(`${api_url}/admin/orders/${(await paidOrder(500)).id}`);
  await page.getByRole('button', { name: '退款', exact: true }).click();
  await page.getByLabel('退款金额（元）').fill('5.01');
  await page.getByText('超过可退金额').waitFor();
  await endWell(watched);
});

it('pays an order of test mode at the simulated cashier', async () => {
  const open = await placeOrder(500);
  const watched = await openAs(owner, `/orders/${open.id}`);
  const { page, context } = watched;
  const opened = context.waitForEvent('page');
  await page.getByRole('link', { name: '打开模拟收银台' }).click();
  const cashier = await opened;
  await cashier.getByText('5.00').first().waitFor();
  await cashier.getByRole('button', { name: '立即支付' }).click();
  await cashier.getByText('支付成功').waitFor();
  await cashier.close();
  await page.bringToFront();
  await page.locator('.order-sum').getByText('已支付').waitFor();
  expect(await page.getByRole('link', { name: '打开模拟收银台' }).count()).toBe(0);
  await endWell(watched);
});
