// Calls the tenant API through npm `wechatpay-axios-plugin`, unmodified but for its base URL.
//
// Registers a public key that is made here, then reads, orders and closes; the SDK signs every call and verifies every
// answer. Prints one line per check; any failure ends in a non-zero exit.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';

import wechatpay from 'wechatpay-axios-plugin';

const { Wechatpay, Rsa } = wechatpay;

function check(name, holds, seen = '') {
  if (!holds) throw new Error(`${name}: ${JSON.stringify(seen)}`);
  console.log(`ok   ${name}`);
}

// Asks the command line to register a public key, as an operator does.
function register(facts, program, folder, publicKeyPem) {
  const words = ['admin', '--json', 'register-public-key', '--tenant', facts.tenant_id,
    '--mode', 'test', '--name', 'node', '--public-key-file', '-'];
  const env = {
    PATH: process.env.PATH,
    TRIBUTARY_DATABASE_URL: `sqlite://${folder}/tributary.db`,
    TRIBUTARY_KEK_FILE: `${folder}/kek`,
    TRIBUTARY_PUBLIC_URL: facts.api_url,
  };
  return JSON.parse(execFileSync(program, words, { input: publicKeyPem, env }));
}

async function outcome(promise) {
  try {
    const { status, data } = await promise;
    return { status, data };
  } catch (error) {
    return { status: error.response?.status ?? 0, data: error.response?.data, code: error.code };
  }
}

async function run(program) {
  const factsFile = process.env.TRIBUTARY_DEV_JSON;
  const facts = JSON.parse(readFileSync(factsFile));
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const registered = register(facts, program, dirname(factsFile), pair.publicKey);
  const listed = await (await fetch(`${facts.api_url}/v1/meta/platform-certificates`)).json();
  const client = (certs) => new Wechatpay({
    mchid: facts.tenant_id,
    serial: registered.serial,
    privateKey: Rsa.from(pair.privateKey, Rsa.KEY_TYPE_PRIVATE),
    certs,
    baseURL: `${facts.api_url}/`,
    timeout: 30_000,
    proxy: false,
  });
  // The SDK takes certificates and public keys alike.
  const wxpay = client(Object.fromEntries(listed.data.map((one) => [one.serial, one.certificate])));

  const me = await outcome(wxpay.v1.me.get());
  check('the SDK is recognised', me.status === 200 && me.data.certificate.serial === registered.serial, me);
  const order = {
    merchant_order_no: `S${randomBytes(12).toString('hex')}`,
    sub_mchid: facts.sub_mchid,
    sub_appid: facts.sub_appid,
    description: '拿铁 latte',
    amount: { total: 888, currency: 'CNY' },
    payer: { sub_openid: facts.demo_openid },
  };
  const headers = { 'Idempotency-Key': randomBytes(16).toString('hex') };
  const placed = await outcome(wxpay.v1.orders.post(order, { headers }));
  check('an order is placed, and the answer verified', placed.status === 201, placed);
  const named = wxpay.v1.orders.$order_id$;
  const read = await outcome(named.get({ order_id: placed.data.order.id }));
  check('it is read', read.status === 200 && read.data.description === order.description, read);
  const params = { merchant_order_no: order.merchant_order_no, limit: 1 };
  const found = await outcome(wxpay.v1.orders.get({ params }));
  check('a query is signed as well', found.status === 200 && found.data.data.length === 1, found);
  const missing = await outcome(named.get({ order_id: 'ord_0' }));
  check('a refusal is read', missing.status === 404 && missing.data.code === 'not_found', missing);

  const distrustful = client({ PUB_KEY_ID_0: listed.data[0].public_key });
  const refused = await outcome(distrustful.v1.me.get());
  check('an answer under a key that it does not hold is refused by the SDK', refused.code === 'EV3_RES_HEADER_PLATFORM_SERIAL', refused);
}

const { values } = parseArgs({ options: { program: { type: 'string' } } });
if (!values.program) {
  console.error('usage: tenant_node.mjs --program PATH');
  process.exit(2);
}
try {
  await run(values.program);
} catch (error) {
  console.log(`FAIL ${error.message}`);
  process.exit(1);
}
