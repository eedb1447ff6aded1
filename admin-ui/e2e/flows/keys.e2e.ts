/** A merchant key is changed while the provider works: import, verify, activate. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { clicksOf, endWell, openAs } from '../browser';
import { paidOrder } from '../demo';
import { newMerchantKey } from '../keys';
import { asOwner, proven } from '../people';

const { owner, provider } = inject('facts');

it('imports a key, verifies it, and activates it, and never shows it again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-key-'));
  const made = await newMerchantKey(folder);
  const secret = (await readFile(made.key, 'utf8')).split('\n')[1] ?? '';
  await proven(owner);
  const { data } = await asOwner('GET', '/admin/v1/providers');
  const { id } = data.find((each: { sp_mchid: string }) => each.sp_mchid === provider.sp_mchid);
  const watched = await openAs(owner, `/providers/${id}`);
  const { page } = watched;
  const row = page.getByRole('row', { name: new RegExp(made.serial) });
  const clicks = await clicksOf(page, async () => {
    await page.getByRole('button', { name: '导入密钥' }).click();
    const dialog = page.getByRole('dialog', { name: '导入密钥' });
    await dialog.locator('input[type=file]').first().setInputFiles([made.key, made.certificate]);
    await dialog.getByRole('button', { name: '导入密钥' }).click();
    await row.getByRole('button', { name: '启用' }).click();
    const activating = page.getByRole('dialog', { name: '启用' });
    await activating.getByRole('textbox', { name: '原因' }).fill('每五年一次');
    await activating.getByRole('textbox', { name: /最后 4 位/ }).fill(made.serial.slice(-4));
    await activating.getByRole('button', { name: '启用' }).click();
    await row.getByText('使用中').waitFor();
  });
  expect(clicks).toBeLessThanOrEqual(7);
  await page.getByText('退出中').first().waitFor();
  expect(await page.content()).not.toContain(secret);
  // Orders go on, signed with the new key.
  await paidOrder(100);
  await page.reload();
  await row.getByText('使用中').waitFor();
  // Whoever has the serial alone finds the ring.
  await page.goto(page.url().replace(/\/providers\/.*$/, '/'));
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: '搜索单号、商户、命令' }).fill(made.serial);
  await page
    .getByRole('option', { name: /^服务商密钥/ })
    .first()
    .waitFor();
  await page.keyboard.press('Enter');
  await row.getByText('使用中').waitFor();
  await rm(folder, { recursive: true });
  await endWell(watched);
});
