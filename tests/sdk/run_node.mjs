// Holds the simulator against npm `wechatpay-axios-plugin`, unmodified but for its base URL.
//
// Places, queries and closes partner orders with the platform certificate and with the WeChat Pay public key; the SDK
// verifies every answer. Prints one line per check; any failure ends in a non-zero exit.

import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

import wechatpay from 'wechatpay-axios-plugin';

const { Wechatpay, Rsa } = wechatpay;
const SUB_APPID = `wx${randomBytes(8).toString('hex')}`;
const OPENID = `o${randomBytes(13).toString('hex')}`;

function check(name, holds, seen = '') {
  if (!holds) throw new Error(`${name}: ${JSON.stringify(seen)}`);
  console.log(`ok   ${name}`);
}

async function control(sim, path, body) {
  const answer = await fetch(`${sim}/_sim${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// The SDK's client, and what WeChat's refusals look like through it.
function client(sim, keys, certs) {
  return new Wechatpay({
    mchid: keys.sp_mchid,
    serial: keys.merchant_serial,
    privateKey: Rsa.from(keys.merchant_private_key_pem, Rsa.KEY_TYPE_PRIVATE),
    certs,
    baseURL: `${sim}/`,
    timeout: 30_000,
    proxy: false,
  });
}

async function refused(promise) {
  try {
    const { data } = await promise;
    return { status: 200, data };
  } catch (error) {
    return error.response ?? { status: 0, message: String(error) };
  }
}

async function run(sim, keyMode) {
  const keys = await control(sim, '/providers', { key_mode: keyMode });
  const { sub_mchid: subMchid } = await control(sim, '/sub-merchants', {
    sp_mchid: keys.sp_mchid,
    sub_appids: [{ appid: SUB_APPID }],
    openids: [{ appid: SUB_APPID, openid: OPENID }],
  });
  const trusted = keyMode === 'public_key'
    ? { [keys.wechatpay_public_key_id]: keys.wechatpay_public_key_pem }
    : { [keys.platform_serial]: keys.platform_certificate_pem };
  const wxpay = client(sim, keys, trusted);
  const ok = (name, holds, seen) => check(`${keyMode}: ${name}`, holds, seen);
  const { transactions } = wxpay.v3.pay.partner;
  const owner = { sp_mchid: keys.sp_mchid, sub_mchid: subMchid };
  const number = `N${randomBytes(12).toString('hex')}`;
  const order = {
    sp_appid: keys.sp_appid,
    ...owner,
    sub_appid: SUB_APPID,
    description: 'Image形象店-深圳腾大-QQ公仔',
    out_trade_no: number,
    notify_url: 'https://shop.example/notify',
    amount: { total: 1, currency: 'CNY' },
    payer: { sub_openid: OPENID },
  };
  const query = (outTradeNo) => transactions.outTradeNo.$out_trade_no$
    .get({ params: owner, out_trade_no: outTradeNo });
  const close = (outTradeNo) => transactions.outTradeNo.$out_trade_no$.close
    .post(owner, { out_trade_no: outTradeNo });

  const placed = await transactions.jsapi.post(order);
  ok('an order is placed', placed.status === 200 && placed.data.prepay_id, placed.data);
  const unpaid = await query(number);
  ok('the order is unpaid', unpaid.data.trade_state === 'NOTPAY', unpaid.data);
  const closed = await close(number);
  ok('the order is closed', closed.status === 204, closed.status);
  const found = await query(number);
  ok('the query agrees', found.data.trade_state === 'CLOSED', found.data);

  const again = await refused(transactions.jsapi.post(order));
  ok('a closed number is used up', again.data?.code === 'ORDER_CLOSED', again.data);
  const missing = await refused(query(`M${randomBytes(12).toString('hex')}`));
  ok('an unknown number is not found', missing.status === 404 && missing.data?.code === 'ORDER_NOT_EXIST', missing.data);

  const paidNumber = `P${randomBytes(12).toString('hex')}`;
  await transactions.jsapi.post({ ...order, out_trade_no: paidNumber });
  await control(sim, `/orders/${paidNumber}/pay`, { sp_mchid: keys.sp_mchid });
  const paid = await query(paidNumber);
  ok('a paid order is found', paid.data.trade_state === 'SUCCESS', paid.data);
  const byId = await transactions.id.$transaction_id$
    .get({ params: owner, transaction_id: paid.data.transaction_id });
  ok('and by its transaction_id', byId.data.out_trade_no === paidNumber, byId.data);
  const late = await refused(close(paidNumber));
  ok('a paid order is not closed', late.data?.code === 'ORDERPAID', late.data);

  const foreign = { PUB_KEY_ID_0000: keys.wechatpay_public_key_pem };
  const distrustful = client(sim, keys, foreign).v3.pay.partner.transactions;
  const unknown = await refused(
    distrustful.outTradeNo.$out_trade_no$.get({ params: owner, out_trade_no: number }),
  );
  ok('an answer under an unknown serial is refused by the SDK', unknown.status !== 200 || !unknown.data?.trade_state, unknown.data);
}

const { values } = parseArgs({ options: { sim: { type: 'string' } } });
if (!values.sim) {
  console.error('usage: run_node.mjs --sim URL');
  process.exit(2);
}
try {
  const sim = values.sim.replace(/\/+$/, '');
  await run(sim, 'certificate');
  await run(sim, 'public_key');
} catch (error) {
  console.log(`FAIL ${error.message}`);
  process.exit(1);
}
