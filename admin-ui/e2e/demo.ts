/** What the demo tenant and its payers do, through the real API and the simulator. */
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';

const PAID_LIMIT_MS = 20_000;
const LOOK_MS = 200;

/** As much of the tenant API's order as the flows use. */
export interface DemoOrder {
  readonly id: string;
  readonly merchant_order_no: string;
  readonly out_trade_no: string;
  readonly state: string;
  readonly transaction_id?: string;
}

/** Calls the tenant API as the demo tenant. */
export async function asTenant<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const facts = inject('facts');
  const answer = await fetch(facts.api_url + path, {
    method,
    headers: {
      authorization: `Bearer ${facts.api_key}`,
      'content-type': 'application/json',
      ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}

/** Places an order as the tenant. */
export async function placeOrder(total: number): Promise<DemoOrder> {
  const facts = inject('facts');
  const { order } = await asTenant<{ order: DemoOrder }>('POST', '/v1/orders', {
    merchant_order_no: `E2E-${randomUUID().slice(0, 13)}`,
    sub_mchid: facts.sub_mchid,
    sub_appid: facts.sub_appid,
    description: '拿铁',
    amount: { total, currency: 'CNY' },
    payer: { sub_openid: facts.demo_openid },
  });
  return order;
}

/** Tells the simulated WeChat to behave otherwise; see the control API in crates/wechatpay-sim. */
export async function atWechat(method: string, path: string, body?: unknown): Promise<void> {
  const { sim_url } = inject('facts');
  const answer = await fetch(`${sim_url}/_sim/${path}`, { method, body: body ? JSON.stringify(body) : undefined });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

/** Pays at the simulated WeChat, and waits until the platform was told. */
export async function pay(order: DemoOrder): Promise<DemoOrder> {
  await atWechat('POST', `orders/${order.out_trade_no}/pay`, {});
  const deadline = Date.now() + PAID_LIMIT_MS;
  for (;;) {
    const found = await asTenant<DemoOrder>('GET', `/v1/orders/${order.id}`);
    if (found.state === 'paid') return found;
    if (Date.now() > deadline) throw new Error(`the order is still ${found.state}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** An order that was placed and paid. */
export async function paidOrder(total: number): Promise<Required<DemoOrder>> {
  return (await pay(await placeOrder(total))) as Required<DemoOrder>;
}
