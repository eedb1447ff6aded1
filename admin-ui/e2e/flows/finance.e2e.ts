/** A day's bill differs from our book, and a person settles it. */
import { expect, inject, it } from 'vitest';
import { clicksOf, endWell, openAs } from '../browser';
import { atWechat } from '../demo';
import { asOwner } from '../people';

const { owner, provider } = inject('facts');
const DAY_MS = 24 * 60 * 60 * 1_000;
const BEIJING_MS = 8 * 60 * 60 * 1_000;
const COMPARED_MS = 40_000;

it('finds what only WeChat has, settles it within three clicks, and closes the day', async () => {
  // The bill of the day before yesterday is ready whatever the hour is.
  const date = new Date(Date.now() + BEIJING_MS - 2 * DAY_MS).toISOString().slice(0, 10);
  await atWechat('POST', 'bills/faults', { kind: 'add', date, count: 1, seed: 42 });
  const { data } = await asOwner('GET', '/admin/v1/providers');
  const { id } = data.find((each: { sp_mchid: string }) => each.sp_mchid === provider.sp_mchid);
  await asOwner('POST', '/admin/v1/reconciliation/jobs', { provider_id: id, date });
  const found = async () => (await asOwner('GET', `/admin/v1/discrepancies?provider_id=${id}&date=${date}`)).data;
  await expect.poll(async () => (await found()).length, { timeout: COMPARED_MS, interval: 1_000 }).toBe(1);
  const [{ number }] = await found();
  // The differences are told before the fund flows are compared, and a day is closed only after that.
  const day = () => asOwner('GET', `/admin/v1/reconciliation/providers/${id}/days/${date}`);
  await expect.poll(async () => (await day()).next_try_at, { timeout: COMPARED_MS, interval: 1_000 }).toBeUndefined();

  const watched = await openAs(owner, `/recon/${id}/${date}`);
  const { page } = watched;
  const row = page.getByRole('row', { name: new RegExp(number) });
  await row.waitFor();
  expect(await page.getByRole('button', { name: '关闭当日' }).isDisabled()).toBe(true);
  const clicks = await clicksOf(page, async () => {
    await row.getByRole('button', { name: '说明' }).click();
    const dialog = page.getByRole('dialog', { name: '说明' });
    await dialog.getByLabel('依据').fill('微信侧测试流水，附工单 1024');
    await dialog.getByRole('textbox', { name: '原因' }).fill('账单多记');
    await dialog.getByRole('textbox', { name: /最后 4 位/ }).fill(number.slice(-4));
    await dialog.getByRole('button', { name: '说明' }).click();
    await row.getByText('已说明').waitFor();
  });
  expect(clicks).toBeLessThanOrEqual(3);
  await page.getByRole('button', { name: '关闭当日' }).click();
  const closing = page.getByRole('dialog', { name: '关闭当日' });
  await closing.getByRole('textbox', { name: '原因' }).fill('已核对');
  await closing.getByRole('textbox', { name: /最后 4 位/ }).fill(date.slice(-4));
  await closing.getByRole('button', { name: '关闭当日' }).click();
  await page.getByText('当日已关闭').first().waitFor();
  await atWechat('DELETE', 'bills/faults');
  await endWell(watched);
});
