/** A certificate for a key that the browser makes: the private key is a file of the person's, and nobody else's. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, it } from 'vitest';
import { endWell, openAs } from '../browser';
import { proven } from '../people';

const run = promisify(execFile);
const { owner, tenant_id } = inject('facts');

it('makes a key in the browser, has its certificate issued, and never sends the key', async () => {
  await proven(owner);
  const watched = await openAs(owner, `/tenants/${tenant_id}`);
  const { page } = watched;
  await page.getByRole('button', { name: '签发证书' }).waitFor();
  // The browser does not show what a request holds, so the page itself is asked.
  await page.evaluate(() => {
    const seen = window as unknown as { sent: string[] };
    const send = window.fetch;
    seen.sent = [];
    window.fetch = async (asked, init) => {
      if (asked instanceof Request) seen.sent.push(await asked.clone().text());
      return send(asked, init);
    };
  });
  await page.getByRole('button', { name: '签发证书' }).click();
  const dialog = page.getByRole('dialog', { name: '签发证书' });
  await dialog.getByLabel('名称').fill('门店收银');
  const files = new Map<string, string>();
  page.on('download', async (download) => files.set(download.suggestedFilename(), await download.path()));
  await dialog.getByRole('button', { name: '签发证书' }).click();
  await page.getByText('私钥与证书已保存到下载文件夹').waitFor();
  await expect.poll(() => files.size).toBe(2);
  const [key, certificate] = [files.get('门店收银-key.pem') ?? '', files.get('门店收银-cert.pem') ?? ''];
  const ofKey = await run('openssl', ['pkey', '-in', key, '-pubout']);
  const ofCertificate = await run('openssl', ['x509', '-in', certificate, '-noout', '-pubkey']);
  expect(ofCertificate.stdout).toBe(ofKey.stdout);
  const sent = await page.evaluate(() => (window as unknown as { sent: string[] }).sent);
  expect(sent.filter((body) => body.includes('CERTIFICATE REQUEST'))).toHaveLength(1);
  expect(sent.join('\n')).not.toContain('PRIVATE KEY');
  expect(await page.content()).not.toContain('PRIVATE KEY');
  await page.getByRole('row', { name: /门店收银/ }).waitFor();
  await endWell(watched);
});
