import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeKeyRequest } from './csr';

function openssl(...args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

it.each(['river-tea', '河畔茶馆 2026', 'x'.repeat(150)])('makes a request that openssl verifies: %s', async (name) => {
  const { csrPem, privateKeyPem } = await makeKeyRequest(name);
  const folder = mkdtempSync(join(tmpdir(), 'tributary-csr-'));
  const [csr, key] = [join(folder, 'request.pem'), join(folder, 'key.pem')];
  writeFileSync(csr, csrPem);
  writeFileSync(key, privateKeyPem);
  const shown = openssl('req', '-in', csr, '-verify', '-noout', '-subject', '-nameopt', 'utf8,sep_comma_plus');
  expect(shown).toContain(`CN=${name}`);
  expect(openssl('req', '-in', csr, '-noout', '-text')).toMatch(
    /2048 bit[\s\S]*Signature Algorithm: sha256WithRSAEncryption/,
  );
  expect(openssl('req', '-in', csr, '-noout', '-pubkey')).toBe(openssl('pkey', '-in', key, '-pubout'));
  rmSync(folder, { recursive: true });
});

it('makes another key each time', async () => {
  const [one, other] = [await makeKeyRequest('a'), await makeKeyRequest('a')];
  expect(one.privateKeyPem).not.toBe(other.privateKeyPem);
});
