/**
 * A key pair made in the browser, with the request (PKCS #10) for its certificate. The private key leaves this module as a text
 * for a file, and is kept nowhere.
 */

/** What was made. */
export interface KeyRequest {
  /** For a file of the person's; nobody else may ever see it. */
  readonly privateKeyPem: string;
  /** For whoever issues the certificate. */
  readonly csrPem: string;
}

/** WeChat Pay's own scheme, which our certificates follow: RSA of 2048 bits, PKCS #1 v1.5, SHA-256. */
const ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2_048,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: 'SHA-256',
};
const PEM_LINE = 64;

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const SEQUENCE = 0x30;
const SET = 0x31;
const ATTRIBUTES = 0xa0;
/** 2.5.4.3 */
const COMMON_NAME = Uint8Array.of(0x55, 0x04, 0x03);
/** 1.2.840.113549.1.1.11 */
const SHA256_WITH_RSA = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b);

/** Joins bytes. */
function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A length of DER: one byte below 128, else how many bytes follow, and those. */
function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 + bytes.length, ...bytes);
}

/** One value of DER. */
function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = join(content);
  return join([Uint8Array.of(tag), lengthOf(whole.length), whole]);
}

function nameOf(commonName: string): Uint8Array {
  const value = der(UTF8_STRING, new TextEncoder().encode(commonName));
  return der(SEQUENCE, der(SET, der(SEQUENCE, der(OBJECT_ID, COMMON_NAME), value)));
}

function pem(label: string, bytes: Uint8Array): string {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  const lines = text.match(new RegExp(`.{1,${PEM_LINE}}`, 'g')) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Whether this page may make keys: browsers allow it over HTTPS and on the machine itself. */
export function canMakeKeys(): boolean {
  return globalThis.crypto?.subtle !== undefined;
}

/** Makes a key pair, and the request for a certificate under this name. */
export async function makeKeyRequest(commonName: string): Promise<KeyRequest> {
  const { subtle } = globalThis.crypto;
  const pair = await subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const publicKey = new Uint8Array(await subtle.exportKey('spki', pair.publicKey));
  const version = der(INTEGER, Uint8Array.of(0));
  const request = der(SEQUENCE, version, nameOf(commonName), publicKey, der(ATTRIBUTES));
  const signature = new Uint8Array(await subtle.sign(ALGORITHM.name, pair.privateKey, request));
  const algorithm = der(SEQUENCE, der(OBJECT_ID, SHA256_WITH_RSA), der(NULL));
  const signed = der(SEQUENCE, request, algorithm, der(BIT_STRING, Uint8Array.of(0), signature));
  const privateKey = new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey));
  return { privateKeyPem: pem('PRIVATE KEY', privateKey), csrPem: pem('CERTIFICATE REQUEST', signed) };
}
