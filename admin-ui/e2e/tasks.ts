/** What people come for, how many clicks it may take, and the steps. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { asTenant, atWechat, paidOrder, placeOrder } from './demo';
import type { Hand } from './hand';
import { newMerchantKey } from './keys';
import { asOwner, call, newPerson, proven } from './people';
import { failedDelivery, newReceiver, toldWith } from './receiver';

const DAY_MS = 24 * 60 * 60 * 1_000;
const BEIJING_MS = 8 * 60 * 60 * 1_000;
const SLOW = { timeout: 40_000, interval: 1_000 };

/** What a task is done with; the owner does it. */
interface Ready {
  /** Below `/admin`. */
  readonly start: string;
  readonly steps: (hand: Hand) => Promise<void>;
  readonly after?: () => Promise<void>;
}

/** A row of the table. */
export interface Task {
  readonly number: number;
  readonly task: string;
  readonly clicks: number;
  readonly prepare: () => Promise<Ready>;
}

const order = (page: Page, number: string) => page.getByRole('heading', { level: 1, name: `订单 ${number}` });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const nav = (page: Page, name: string) => page.getByRole('navigation', { name: '主导航' }).getByRole('link', { name });

/** A dialog that wants a reason and the last characters of what it is about. */
async function confirm(hand: Hand, dialog: string, act: string | RegExp, target: string): Promise<void> {
  const shown = hand.page.getByRole('dialog', { name: dialog, exact: true });
  await hand.type(shown.getByRole('textbox', { name: '原因' }), '已核对');
  await hand.type(shown.getByRole('textbox', { name: /最后 4 位/ }), target.slice(-4));
  await hand.press(shown.getByRole('button', { name: act }));
}

async function providerId(): Promise<string> {
  const { data } = await asOwner('GET', '/admin/v1/providers');
  const { provider } = inject('facts');
  return data.find((each: { sp_mchid: string }) => each.sp_mchid === provider.sp_mchid).id;
}

/** A day of Beijing's whose bill WeChat has ready whatever the hour is; each task takes its own. */
let daysBack = 2;
function nextDay(): string {
  daysBack += 1;
  return new Date(Date.now() + BEIJING_MS - daysBack * DAY_MS).toISOString().slice(0, 10);
}

const DONE = ['verified', 'empty'];

async function reconciled(provider: string, date: string): Promise<void> {
  await asOwner('POST', '/admin/v1/reconciliation/jobs', { provider_id: provider, date });
  const state = async () =>
    (await asOwner('GET', '/admin/v1/bills?mode=test')).data.find((bill: { date: string }) => bill.date === date)
      ?.state;
  await expect.poll(async () => DONE.includes(await state()), SLOW).toBe(true);
}

/** An order whose webhook was given up, and a server that would take it now. */
async function refusedOrder() {
  const receiver = await newReceiver(204);
  const { id, merchant_order_no } = await paidOrder(888);
  const delivery = await failedDelivery(receiver, id);
  receiver.answer = 204;
  return { receiver, id, number: merchant_order_no, delivery };
}

async function findOrder(): Promise<Ready> {
  const { merchant_order_no: number, transaction_id } = await paidOrder(888);
  const steps = async (hand: Hand) => {
    await hand.find(transaction_id, new RegExp(number));
    await order(hand.page, number).waitFor();
  };
  return { start: '/staff', steps };
}

async function explain(): Promise<Ready> {
  const receiver = await newReceiver(500);
  const { id, merchant_order_no: number } = await paidOrder(888);
  await toldWith(receiver, id, 500);
  const steps = async (hand: Hand) => {
    await hand.find(number, new RegExp(number));
    await hand.press(button(hand.page, '下一个问题（n）'), 'n');
    await expect.poll(() => hand.page.locator('.timeline-entry:focus').textContent()).toMatch(/500|失败/);
  };
  return { start: '/', steps, after: receiver.close };
}

async function replayOne(): Promise<Ready> {
  const { receiver, id, delivery } = await refusedOrder();
  const state = async () => (await asOwner('GET', `/admin/v1/deliveries/${delivery}`)).delivery.state;
  const steps = async (hand: Hand) => {
    await hand.press(hand.page.getByRole('tab', { name: '投递' }));
    const row = hand.page.getByRole('row').filter({ hasText: '500' });
    await row.waitFor();
    await hand.press(row.getByRole('button', { name: '重放' }), 'r');
    await hand.press(hand.page.getByRole('dialog', { name: '重放' }).getByRole('button', { name: '重放' }));
    await hand.page.getByText('已重新投递').waitFor();
    await expect.poll(state, SLOW).toBe('succeeded');
  };
  return { start: `/orders/${id}`, steps, after: receiver.close };
}

async function recover(): Promise<Ready> {
  const { receiver, delivery } = await refusedOrder();
  const state = async () => (await asOwner('GET', `/admin/v1/deliveries/${delivery}`)).delivery.state;
  const steps = async (hand: Hand) => {
    await hand.find(receiver.endpointId, /端点/);
    await hand.press(button(hand.page, '批量恢复'));
    const dialog = hand.page.getByRole('dialog', { name: '批量恢复' });
    await hand.press(dialog.getByRole('button', { name: '试算' }));
    await hand.press(dialog.getByRole('button', { name: /^开始恢复 1 条/ }));
    await expect.poll(state, SLOW).toBe('succeeded');
  };
  return { start: '/', steps, after: receiver.close };
}

async function refund(): Promise<Ready> {
  const { id, merchant_order_no: number } = await paidOrder(888);
  const steps = async (hand: Hand) => {
    await button(hand.page, '退款').waitFor();
    await hand.press(button(hand.page, '退款'), 'R');
    await hand.type(hand.page.getByLabel('退款金额（元）'), '3.10');
    await confirm(hand, '退款', '退款 ¥3.10', number);
    await hand.page.getByText('退款已受理，结果以退款状态为准').waitFor();
  };
  return { start: `/orders/${id}`, steps };
}

async function approve(): Promise<Ready> {
  const { id } = await paidOrder(2_000_000);
  // Nobody decides about what the one asks who invited them; the other way round is well.
  const first = await newPerson(['platform_finance']);
  const asked = await call('POST', `/admin/v1/orders/${id}/refunds`, {
    token: await proven(first),
    body: { refund: 1_500_000, reason: '退' },
  });
  expect(asked.body.code).toBe('approval_required');
  const steps = async (hand: Hand) => {
    const row = hand.page.getByRole('row', { name: new RegExp(id) });
    await hand.press(row.getByRole('link', { name: '超额退款' }));
    await button(hand.page, '批准').waitFor();
    await hand.press(button(hand.page, '批准'), 'a');
    await confirm(hand, '批准', /^批准/, id);
    await hand.page.getByText('已执行').first().waitFor();
  };
  return { start: '/', steps };
}

async function addMerchant(): Promise<Ready> {
  const { tenant_id } = inject('facts');
  const provider = await providerId();
  const number = String(Math.floor(Math.random() * 90_000_000) + 1_900_000_000);
  const steps = async (hand: Hand) => {
    await hand.press(nav(hand.page, '特约商户'), 'g m');
    await hand.press(button(hand.page, '添加特约商户'));
    const dialog = hand.page.getByRole('dialog', { name: '添加特约商户' });
    const draft = { 名称: '河畔茶馆', 特约商户号: number, 租户编号: tenant_id, 服务商编号: provider };
    for (const [label, text] of Object.entries(draft)) await hand.type(dialog.getByLabel(label), text);
    await hand.press(dialog.getByRole('button', { name: '添加特约商户' }));
    await hand.page.getByRole('row', { name: new RegExp(number) }).waitFor();
  };
  return { start: '/', steps };
}

async function readiness(): Promise<Ready> {
  const { sub_mchid } = inject('facts');
  const steps = async (hand: Hand) => {
    await hand.find(sub_mchid, /特约商户.*/);
    await hand.page.getByRole('region', { name: '收款准备' }).getByRole('listitem').first().waitFor();
  };
  return { start: '/staff', steps };
}

async function rotate(): Promise<Ready> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-key-'));
  const made = await newMerchantKey(folder);
  const { provider } = inject('facts');
  const steps = async (hand: Hand) => {
    const { page } = hand;
    await hand.press(nav(page, '服务商账号'), 'g p');
    await hand.press(
      page
        .getByRole('row', { name: new RegExp(provider.sp_mchid) })
        .getByRole('link')
        .first(),
    );
    await hand.press(button(page, '导入密钥'));
    const dialog = page.getByRole('dialog', { name: '导入密钥' });
    await hand.give(dialog.getByRole('button', { name: '选择文件' }).first(), [made.key, made.certificate]);
    await hand.press(dialog.getByRole('button', { name: '导入密钥' }));
    const row = page.getByRole('row', { name: new RegExp(made.serial) });
    await hand.press(row.getByRole('button', { name: '启用' }));
    await confirm(hand, '启用', '启用', made.serial);
    await row.getByText('使用中').waitFor();
  };
  return { start: '/', steps, after: () => rm(folder, { recursive: true }) };
}

async function expiries(): Promise<Ready> {
  const steps = async (hand: Hand) => {
    // The key that was brought in a moment ago is good for 30 days.
    const board = hand.page.getByRole('region', { name: /^到期看板/ });
    await board.getByText('29 天').first().waitFor();
    await hand.press(board.getByRole('link', { name: '服务商密钥' }).first());
    await button(hand.page, '导入密钥').waitFor();
  };
  return { start: '/', steps };
}

async function settle(): Promise<Ready> {
  const [provider, date] = [await providerId(), nextDay()];
  await atWechat('POST', 'bills/faults', { kind: 'add', date, count: 1, seed: 42 });
  await reconciled(provider, date);
  const found = async () => (await asOwner('GET', `/admin/v1/discrepancies?provider_id=${provider}&date=${date}`)).data;
  await expect.poll(async () => (await found()).length, SLOW).toBe(1);
  const [{ number }] = await found();
  const steps = async (hand: Hand) => {
    const row = hand.page.getByRole('row', { name: new RegExp(number) });
    await row.waitFor();
    await hand.press(row.getByRole('rowheader').getByRole('button'), 'j Enter');
    await hand.type(hand.page.getByRole('dialog', { name: '说明' }).getByLabel('依据'), '工单 1024');
    await confirm(hand, '说明', '说明', number);
    await row.getByText('已说明').waitFor();
  };
  return { start: `/recon/${provider}/${date}`, steps, after: () => atWechat('DELETE', 'bills/faults') };
}

async function download(): Promise<Ready> {
  const [provider, date] = [await providerId(), nextDay()];
  // A day on which nothing was paid has nothing to download.
  await atWechat('POST', 'bills/faults', { kind: 'add', date, count: 1, seed: 42 });
  await reconciled(provider, date);
  const steps = async (hand: Hand) => {
    await hand.press(nav(hand.page, '账单'), 'g b');
    await hand.type(hand.page.getByRole('textbox', { name: /^账单日/ }), date);
    await hand.page.keyboard.press('Enter');
    await hand.page.getByText(`账单日 YYYY-MM-DD: ${date}`).waitFor();
    const file = hand.page.waitForEvent('download');
    await hand.press(button(hand.page, `下载 ${date} 的账单`).first());
    expect((await file).suggestedFilename()).toContain(date);
  };
  return { start: '/staff', steps, after: () => atWechat('DELETE', 'bills/faults') };
}

async function decideHeld(): Promise<Ready> {
  const { tenant_id } = inject('facts');
  const held = { paid_late: 'hold', duplicate_paid: 'hold', amount_mismatch: 'hold' };
  const tenant = `/admin/v1/tenants/${tenant_id}`;
  const before = await call('GET', tenant, { token: await proven(inject('facts').owner) });
  const change = async (late_policy: unknown) => {
    const token = await proven(inject('facts').owner);
    const { headers } = await call('GET', tenant, { token });
    const done = await call('PATCH', tenant, {
      token,
      body: { late_policy },
      headers: { 'If-Match': String(headers.etag) },
    });
    expect(done.status).toBe(200);
  };
  await change(held);
  const { id, out_trade_no } = await placeOrder(500);
  await asTenant('POST', `/v1/orders/${id}/close`, {});
  await expect
    .poll(async () => (await asTenant<{ state: string }>('GET', `/v1/orders/${id}`)).state, SLOW)
    .toBe('closed');
  await atWechat('POST', `orders/${out_trade_no}/pay`, { force: true });
  const late = async () =>
    (await asOwner('GET', '/admin/v1/late-payments?state=held')).data.find(
      (each: { order_id: string }) => each.order_id === id,
    );
  await expect.poll(async () => (await late()) !== undefined, SLOW).toBe(true);
  const { transaction_id } = await late();
  const steps = async (hand: Hand) => {
    await hand.press(nav(hand.page, '待办'), 'g i');
    await hand.press(hand.page.getByRole('link', { name: id }).first());
    await hand.press(button(hand.page, '接受款项'));
    await confirm(hand, '接受款项', '接受款项', transaction_id);
    await hand.page.getByText('处置已记录').waitFor();
  };
  return { start: '/', steps, after: () => change(before.body.late_policy) };
}

async function whoChanged(): Promise<Ready> {
  const { id } = await paidOrder(100);
  await asOwner('POST', `/admin/v1/orders/${id}/notes`, { words: '顾客来电' });
  const steps = async (hand: Hand) => {
    await hand.press(hand.page.getByRole('tab', { name: '变更记录' }));
    await hand.page.getByRole('row').filter({ hasText: '添加订单备注' }).waitFor();
  };
  return { start: `/orders/${id}`, steps };
}

/** In the order in which people come for them; 8 waits for its backend. */
export const TASKS: readonly Task[] = [
  { number: 1, task: 'finds an order by a number', clicks: 2, prepare: findOrder },
  { number: 2, task: 'says why a tenant does not see a payment', clicks: 3, prepare: explain },
  { number: 3, task: 'replays one failed webhook', clicks: 3, prepare: replayOne },
  { number: 4, task: 'replays what one endpoint missed', clicks: 6, prepare: recover },
  { number: 5, task: 'gives a part of an order back', clicks: 4, prepare: refund },
  { number: 6, task: 'approves a request', clicks: 3, prepare: approve },
  { number: 7, task: 'adds a sub-merchant', clicks: 6, prepare: addMerchant },
  { number: 9, task: 'sees whether a sub-merchant can take money', clicks: 2, prepare: readiness },
  { number: 10, task: 'rotates a key', clicks: 7, prepare: rotate },
  { number: 11, task: 'sees what expires soon', clicks: 1, prepare: expiries },
  { number: 12, task: 'settles a difference', clicks: 3, prepare: settle },
  { number: 13, task: 'downloads a bill', clicks: 4, prepare: download },
  { number: 14, task: 'decides about held money', clicks: 4, prepare: decideHeld },
  { number: 15, task: 'finds who changed something', clicks: 1, prepare: whoChanged },
];
