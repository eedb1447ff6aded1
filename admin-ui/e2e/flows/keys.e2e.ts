/** A merchant key is changed while the provider works: import, verify, activate. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, it } from 'vitest';
import { clicksOf, endWell, openAs } from '../browser';
import { atWechat, paidOrder } from '../demo';
import { asOwner, proven } from '../people';

const run = promisify(execFile);
const { owner, provider } = inject('facts');

/** A key pair as `apiclient_key.pem` and `apiclient_cert.pem`, which the simulated WeChat knows from now on. */
async function newMerchantKey(folder: string): Promise<{ key: string; certificate: string; serial: string }> {
  const [key, certificate] = [join(folder, 'apiclient_key.pem'), join(folder, 'apiclient_cert.pem')];
  const subject = ['-subj', `/CN=${provider.sp_mchid}`, '-days', '30'];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
    ...subject,
  ]);
  const shown = await run('openssl', ['x509', '-in', certificate, '-noout', '-serial', '-pubkey']);
  const serial = /serial=([0-9A-F]+)/.exec(shown.stdout)?.[1] ?? '';
  const merchant_public_key_pem = shown.stdout.slice(shown.stdout.indexOf('-----BEGIN'));
  await atWechat('PATCH', `providers/${provider.sp_mchid}`, { merchant_public_key_pem, serial });
  return { key, certificate, serial };
}

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
    await dialog.locator('input[type=file]').first().setInputFiles(made.key);
    await dialog.locator('input[type=file]').last().setInputFiles(made.certificate);
    await dialog.getByRole('button', { name: '导入密钥' }).click();
    await row.getByText('待验证').waitFor();
    await page.getByRole('button', { name: '运行自检' }).click();
    await page.getByRole('dialog', { name: '运行自检' }).getByRole('button', { name: '运行自检' }).click();
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
  await rm(folder, { recursive: true });
  await endWell(watched);
});
