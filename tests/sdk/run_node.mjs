// Holds the simulator against npm `wechatpay-axios-plugin`, unmodified but for its base URL.
//
// Places, queries and closes partner orders with the platform certificate and with the WeChat Pay public key, decrypts the
// notification of a refund, sends an abnormal refund to a card, and downloads bills; the SDK verifies every answer. Prints one line per check; any failure ends in a non-zero exit.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

import wechatpay from 'wechatpay-axios-plugin';

const { Wechatpay, Rsa, Aes, Formatter } = wechatpay;
const SUB_APPID = `wx${randomBytes(8).toString('hex')}`;
const OPENID = `o${randomBytes(13).toString('hex')}`;

// The bills of the day before yesterday are ready at every hour of today; WeChat's days are Beijing's.
const BILL_TIME = new Date(Date.now() + (8 - 48) * 3_600_000).toISOString().slice(0, 19);
const BILL_DATE = BILL_TIME.slice(0, 10);

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

  await refunds(sim, keys, wxpay, trusted, { number: paidNumber, subMchid, ok });
  await bills(sim, keys, wxpay, { order, subMchid, ok });

  const foreign = { PUB_KEY_ID_0000: keys.wechatpay_public_key_pem };
  const distrustful = client(sim, keys, foreign).v3.pay.partner.transactions;
  const unknown = await refused(
    distrustful.outTradeNo.$out_trade_no$.get({ params: owner, out_trade_no: number }),
  );
  ok('an answer under an unknown serial is refused by the SDK', unknown.status !== 200 || !unknown.data?.trade_state, unknown.data);
}

// A refund becomes abnormal, its notification is verified and decrypted, and it is sent to a card.
async function refunds(sim, keys, wxpay, trusted, { number, subMchid, ok }) {
  const notices = [];
  const receiver = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(204).end();
      notices.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      receiver.emit('notice');
    });
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  const refundNo = `R${randomBytes(12).toString('hex')}`;
  const applied = await wxpay.v3.refund.domestic.refunds.post({
    sub_mchid: subMchid,
    out_trade_no: number,
    out_refund_no: refundNo,
    notify_url: `http://127.0.0.1:${receiver.address().port}/refund`,
    amount: { refund: 1, total: 1, currency: 'CNY' },
  });
  ok('a refund is accepted', applied.data.status === 'PROCESSING', applied.data);
  const arrived = once(receiver, 'notice');
  await control(sim, `/refunds/${refundNo}/result`, { result: 'ABNORMAL', sp_mchid: keys.sp_mchid });
  await arrived;
  receiver.close();
  const { headers, body } = notices[0];
  const signed = Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body);
  const serial = headers['wechatpay-serial'];
  ok('the notification names a serial that is trusted', serial in trusted, serial);
  ok('the notification is verified', Rsa.verify(signed, headers['wechatpay-signature'], trusted[serial]));
  const { ciphertext, nonce, associated_data: aad } = JSON.parse(body).resource;
  const notice = JSON.parse(Aes.AesGcm.decrypt(ciphertext, keys.api_v3_key, nonce, aad));
  ok('the notification is decrypted', notice.refund_status === 'ABNORMAL' && notice.out_refund_no === refundNo, notice);

  const [[trustedSerial, trustedKey]] = Object.entries(trusted);
  const sent = await wxpay.v3.refund.domestic.refunds.$refund_id$.applyAbnormalRefund.post({
    sub_mchid: subMchid,
    out_refund_no: refundNo,
    type: 'USER_BANK_CARD',
    bank_type: 'CMB_DEBIT',
    bank_account: Rsa.encrypt('6222020200012345678', trustedKey),
    real_name: Rsa.encrypt('张三', trustedKey),
  }, { refund_id: applied.data.refund_id, headers: { 'Wechatpay-Serial': trustedSerial } });
  ok('the abnormal refund is sent to a card', sent.data.status === 'PROCESSING', sent.data);
  ok('the card was decrypted', sent.data.user_received_account.endsWith('5678'), sent.data);
}

// Bills are applied for and verified by the SDK, downloaded through it, and held against their hash.
async function bills(sim, keys, wxpay, { order, subMchid, ok }) {
  const number = `B${randomBytes(12).toString('hex')}`;
  const time = `${BILL_TIME}+08:00`;
  await wxpay.v3.pay.partner.transactions.jsapi.post({ ...order, out_trade_no: number });
  await control(sim, `/orders/${number}/pay`, { sp_mchid: keys.sp_mchid, success_time: time });
  await control(sim, '/fund-flows', { sp_mchid: keys.sp_mchid, amount: 10_000, time });
  const lines = async (name, applied) => {
    const { token, ...packed } = Object.fromEntries(new URL(applied.data.download_url).searchParams);
    const file = await wxpay.v3.billdownload.file.get({
      params: { token, ...packed },
      responseType: 'arraybuffer',
      // A file is not signed, so nothing of it is verified but its hash.
      transformResponse: [],
    });
    const text = packed.tartype ? gunzipSync(file.data) : Buffer.from(file.data);
    const hash = createHash('sha1').update(text).digest('hex');
    ok(`the ${name} matches its hash`, hash === applied.data.hash_value.toLowerCase(), hash);
    return text.toString().trimEnd().split('\r\n');
  };
  const params = { bill_date: BILL_DATE, sub_mchid: subMchid };
  const plain = await lines('trade bill', await wxpay.v3.bill.tradebill.get({ params }));
  ok('the trade bill names the order', plain.length === 4 && plain[1].includes(`\`${number},`), plain);
  const packed = await lines('packed trade bill', await wxpay.v3.bill.tradebill.get({ params: { ...params, tar_type: 'GZIP' } }));
  ok('the packed bill says the same', packed.join() === plain.join(), packed);
  const flow = await lines('fund-flow bill', await wxpay.v3.bill.fundflowbill.get({ params: { bill_date: BILL_DATE } }));
  ok('the fund-flow bill has the top-up', flow[1].includes('`收入,`100.00,`100.00,'), flow);
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
