/** Keys of a provider, as they come from WeChat's console. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { atWechat } from './demo';

const run = promisify(execFile);

/** Where the two files are, and what is printed on them. */
export interface MerchantKey {
  readonly key: string;
  readonly certificate: string;
  readonly serial: string;
}

/** A key pair as `apiclient_key.pem` and `apiclient_cert.pem`, which the simulated WeChat knows from now on. */
export async function newMerchantKey(folder: string): Promise<MerchantKey> {
  const { provider } = inject('facts');
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
