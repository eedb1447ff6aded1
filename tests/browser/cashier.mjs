// Orders, opens the cashier page in a real browser, pays there, and sees the order become paid.
// The platform is the one that TRIBUTARY_DEV_JSON describes.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const PAID_LIMIT_MS = 20_000;
const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const facts = JSON.parse(await readFile(process.env.TRIBUTARY_DEV_JSON, "utf8"));

async function call(method, route, body) {
  const answer = await fetch(facts.api_url + route, {
    method,
    headers: {
      authorization: `Bearer ${facts.api_key}`,
      ...(method === "POST" && { "idempotency-key": randomUUID() }),
      ...(body && { "content-type": "application/json" }),
    },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${route}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

function placeOrder(total) {
  return call("POST", "/v1/orders", {
    merchant_order_no: `browser-${randomUUID().slice(0, 13)}`,
    sub_mchid: facts.sub_mchid,
    sub_appid: facts.sub_appid,
    description: "Paid in a browser",
    amount: { total, currency: "CNY" },
    payer: { sub_openid: facts.demo_openid },
  });
}

// What a tenant's page would hand to `wx.requestPayment` is all that the cashier gets.
function cashierUrl({ appId, timeStamp, nonceStr, package: prepay, signType, paySign }) {
  const query = new URLSearchParams({ appId, timeStamp, nonceStr, package: prepay, signType, paySign });
  return `${facts.sim_url}/cashier/${prepay.replace(/^prepay_id=/, "")}?${query}`;
}

async function waitUntilPaid(id) {
  const deadline = Date.now() + PAID_LIMIT_MS;
  for (;;) {
    const order = await call("GET", `/v1/orders/${id}`);
    if (order.state === "paid") return order;
    assert.ok(Date.now() < deadline, `still ${order.state} after ${PAID_LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// The receiver's page has no script: it is read anew until the webhook is there.
async function verdictOfReceiver(page, kind, id) {
  const deadline = Date.now() + PAID_LIMIT_MS;
  for (;;) {
    await page.goto(`${facts.receiver_url}/`);
    const row = page.getByRole("row").filter({ hasText: id }).filter({ has: page.getByText(kind, { exact: true }) });
    if (await row.count()) return row.first().innerText();
    assert.ok(Date.now() < deadline, `the receiver has no ${kind} of ${id} after ${PAID_LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const cases = {
  "a person pays at the cashier page and the order becomes paid": async (page) => {
    const { order, pay_params: payParams } = await placeOrder(1234);
    await page.goto(cashierUrl(payParams));
    assert.match(await page.locator("body").innerText(), /12\.34/);
    await page.getByRole("button", { name: "立即支付" }).click();
    await page.getByText("支付成功").waitFor();
    const paid = await waitUntilPaid(order.id);
    assert.equal(paid.amount.total, 1234);
    const verdict = await verdictOfReceiver(page, "order.paid", order.id);
    assert.match(verdict, /\bverified\b/);
    assert.doesNotMatch(verdict, /refused/);
  },

  "a person who cancels has not paid": async (page) => {
    const { order, pay_params: payParams } = await placeOrder(555);
    await page.goto(cashierUrl(payParams));
    await page.getByRole("button", { name: "取消" }).click();
    await page.getByText("已取消支付").waitFor();
    const after = await call("POST", `/v1/orders/${order.id}/sync`);
    assert.notEqual(after.state, "paid");
  },

  "a changed signature is refused before anybody can pay": async (page) => {
    const { pay_params: payParams } = await placeOrder(777);
    const forged = { ...payParams, nonceStr: `${payParams.nonceStr}x` };
    await page.goto(cashierUrl(forged));
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByRole("button").count(), 0);
  },
};

const profile = await mkdtemp(path.join(tmpdir(), "tributary-browser-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.TRIBUTARY_CHROMIUM ?? "/usr/bin/chromium",
  args: BROWSER_FLAGS,
});
let passed = 0;
let failed = 0;
try {
  for (const [name, run] of Object.entries(cases)) {
    const page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    try {
      await run(page);
      passed += 1;
      console.log(`ok      ${name}`);
    } catch (problem) {
      failed += 1;
      console.log(`not ok  ${name}\n${problem.stack}`);
      console.log(`        the page said: ${(await page.locator("body").innerText().catch(() => "")).slice(0, 500)}`);
    }
    await page.close();
  }
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
