/** The six digits that a person's telephone shows (RFC 6238); a code is good once, so each step is waited for. */
import { createHmac } from 'node:crypto';

const STEP_S = 30;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function decode(base32: string): Buffer {
  let bits = '';
  for (const letter of base32.replace(/=+$/, '').toUpperCase())
    bits += ALPHABET.indexOf(letter).toString(2).padStart(5, '0');
  const bytes = bits.match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}

/** The code of a step. */
export function codeAt(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', decode(secret)).update(counter).digest();
  const offset = (digest[19] ?? 0) & 0xf;
  return ((digest.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).toString().padStart(6, '0');
}

const used = new Map<string, number>();

/**
 * A code that this person has not used yet; the server takes the step after its own, too. Whoever is new here has bound
 * the telephone a moment ago, with the code of this step.
 */
export async function freshCode(secret: string): Promise<string> {
  for (;;) {
    const now = Math.floor(Date.now() / 1_000 / STEP_S);
    const next = Math.max(now, (used.get(secret) ?? now) + 1);
    if (next <= now + 1) {
      used.set(secret, next);
      return codeAt(secret, next);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
