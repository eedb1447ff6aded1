/** A refund above the limit: one asks, nobody approves alone, a second person lets it go. */
import { expect, inject, it } from 'vitest';
import { clicksOf, endWell, openAs } from '../browser';
import { paidOrder } from '../demo';
import { asOwner, newPerson, proven } from '../people';

const { api_url, owner } = inject('facts');

it('gives a large sum back when a second person approves, and never when the first does', async () => {
  const order = await paidOrder(2_000_000);
  // Whoever was invited by the first could not be the second; the other way round is well.
  const first = await newPerson(['platform_finance']);
  await proven(first);
  const asking = await openAs(first, `/orders/${order.id}`);
  await asking.page.getByRole('button', { name: '退款', exact: true }).click();
  const dialog = asking.page.getByRole('dialog', { name: '退款', exact: true });
  await dialog.getByLabel('退款金额（元）').fill('12345.67');
  await dialog.getByText(/另一位有权限的同事在待办中批准/).waitFor();
  await dialog.getByRole('textbox', { name: '原因' }).fill('团购取消');
  await dialog.getByRole('textbox', { name: /最后 4 位/ }).fill(order.merchant_order_no.slice(-4));
  await dialog.getByRole('button', { name: '申请退款 ¥12,345.67' }).click();
  const waits = asking.page.getByRole('dialog', { name: '退款等待审批' });
  await waits.getByText(/款项尚未退回/).waitFor();
  await waits.getByRole('link', { name: '查看申请' }).click();
  await asking.page.getByRole('heading', { level: 1, name: '申请: 超额退款' }).waitFor();
  const request = new URL(asking.page.url()).pathname;
  // Whoever asked sees it, and cannot decide it.
  expect(await asking.page.getByRole('button', { name: '批准' }).isDisabled()).toBe(true);
  await endWell(asking);

  await proven(owner);
  const deciding = await openAs(owner, '/');
  const { page } = deciding;
  const clicks = await clicksOf(page, async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await page
      .getByRole('row', { name: new RegExp(order.id) })
      .getByText('¥12,345.67')
      .waitFor();
    await page
      .getByRole('row', { name: new RegExp(order.id) })
      .getByRole('link', { name: '超额退款' })
      .click();
    await page.getByRole('link', { name: order.merchant_order_no }).waitFor();
    expect(new URL(page.url()).pathname).toBe(request);
    await page.getByText('¥12,345.67').first().waitFor();
    await page.getByRole('button', { name: '批准' }).click();
    await page.getByRole('textbox', { name: '原因' }).fill('已与门店核实');
    await page.getByRole('textbox', { name: /最后 4 位/ }).fill(order.id.slice(-4));
    await page.getByRole('button', { name: '批准退款 ¥12,345.67' }).click();
    await page.getByText('已执行').first().waitFor();
  });
  expect(clicks).toBeLessThanOrEqual(3);
  await page.goto(`${api_url}/admin/orders/${order.id}?tab=refunds`);
  await page.getByRole('tab', { name: '退款 1' }).waitFor();
  await page.getByText('¥12,345.67').first().waitFor();
  await endWell(deciding);
});

it('changes the limit with a reason, and says that it was chosen', async () => {
  await proven(owner);
  const watched = await openAs(owner, '/settings');
  const { page } = watched;
  await page.getByText('¥10,000.00').first().waitFor();
  await page.getByRole('button', { name: '修改额度' }).click();
  const dialog = page.getByRole('dialog', { name: '修改额度' });
  await dialog.getByLabel('新额度（元）').fill('10000.01');
  await dialog.getByRole('textbox', { name: '原因' }).fill('试用一周');
  await dialog.getByRole('textbox', { name: /最后 4 位/ }).fill('imit');
  await dialog.getByRole('button', { name: '修改额度' }).click();
  await page.getByText('¥10,000.01').waitFor();
  await page.getByText('平台设定').waitFor();
  await endWell(watched);
  const log = await asOwner('GET', '/admin/v1/audit?limit=20');
  expect(log.data.map(({ action }: { action: string }) => action)).toContain('refund_limit.changed');
});
