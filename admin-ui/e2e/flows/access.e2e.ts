/** Who sees what: each role its own navigation, each tenant its own rows, and the server refuses the rest by itself. */
import { expect, inject, it } from 'vitest';
import { endWell, openAlone, settled } from '../browser';
import { paidOrder } from '../demo';
import { asOwner, call, newPerson } from '../people';

const { api_url, tenant_id } = inject('facts');
const MATRIX_MS = 300_000;

/** Every page of the navigation, with the call that it lives by. */
const PAGES: Record<string, readonly [path: string, call: string]> = {
  总览: ['/', `/admin/v1/statistics/health?since=${new Date().toISOString()}`],
  待办: ['/inbox', '/admin/v1/approvals'],
  订单: ['/orders', '/admin/v1/orders'],
  退款: ['/refunds', '/admin/v1/refunds'],
  特约商户: ['/sub-merchants', '/admin/v1/sub-merchants'],
  租户: ['/tenants', '/admin/v1/tenants'],
  对账: ['/recon', '/admin/v1/reconciliation/days'],
  账单: ['/bills', '/admin/v1/bills'],
  'Webhook 端点': ['/endpoints', '/admin/v1/webhook-endpoints'],
  投递: ['/deliveries', '/admin/v1/deliveries'],
  微信通知: ['/notifications', '/admin/v1/notifications'],
  服务商账号: ['/providers', '/admin/v1/providers'],
  后台任务: ['/jobs', '/admin/v1/jobs'],
  人员与角色: ['/staff', '/admin/v1/staff'],
  审计日志: ['/audit', '/admin/v1/audit'],
  系统状态: ['/system', '/admin/v1/system'],
  设置: ['/settings', '/admin/v1/refund-limit'],
};

/** What each role does not have; the owner has everything. */
const HIDDEN: Record<string, readonly string[]> = {
  platform_ops: ['对账', '账单', '人员与角色', '审计日志'],
  platform_finance: ['Webhook 端点', '投递', '微信通知', '服务商账号', '人员与角色', '审计日志', '系统状态'],
  auditor: [],
  support: ['对账', '账单', '服务商账号', '后台任务', '人员与角色', '审计日志', '系统状态'],
  tenant_owner: ['微信通知', '服务商账号', '系统状态'],
  tenant_dev: ['对账', '账单', '微信通知', '服务商账号', '人员与角色', '审计日志', '系统状态'],
  tenant_finance: ['Webhook 端点', '投递', '微信通知', '服务商账号', '人员与角色', '审计日志', '系统状态'],
  tenant_viewer: ['对账', '微信通知', '服务商账号', '后台任务', '人员与角色', '审计日志', '系统状态'],
};

/** Acts whose buttons these roles are not shown, as calls. */
const REFUSED: Record<string, readonly string[]> = {
  platform_ops: ['late-payments/{late}/decide', 'staff'],
  platform_finance: ['tenants', 'orders/{order}/close'],
  auditor: ['orders/{order}/close', 'orders/{order}/refunds', 'orders/{order}/query', 'staff', 'tenants'],
  support: ['orders/{order}/close', 'orders/export', 'tenants'],
  tenant_owner: ['tenants', 'reconciliation/jobs'],
  tenant_dev: ['orders/{order}/refunds', 'orders/{order}/close', 'staff'],
  tenant_finance: ['orders/{order}/close', 'staff'],
  tenant_viewer: ['orders/{order}/query', 'orders/{order}/refunds', 'orders/export'],
};

it.each(Object.keys(HIDDEN))('shows %s its pages and nothing else', { timeout: MATRIX_MS }, async (role) => {
  const person = await newPerson([role], role.startsWith('tenant_') ? tenant_id : undefined);
  const order = await paidOrder(100);
  const hidden = new Set(HIDDEN[role]);
  const watched = await openAlone(person);
  const { page } = watched;
  const navigation = page.getByRole('navigation', { name: '主导航' });
  const shown = await navigation.getByRole('link').allTextContents();
  expect(shown.filter((name) => name in PAGES).sort()).toEqual(
    Object.keys(PAGES)
      .filter((name) => !hidden.has(name))
      .sort(),
  );
  for (const [name, [path, list]] of Object.entries(PAGES)) {
    const { status } = await call('GET', list, { token: person.token });
    expect(`${name} ${status}`).toBe(`${name} ${hidden.has(name) ? 403 : 200}`);
    if (!hidden.has(name)) continue;
    await page.goto(`${api_url}/admin${path}`);
    await page.getByRole('heading', { level: 1, name: '没有权限查看' }).waitFor();
  }
  for (const act of REFUSED[role] ?? []) {
    const path = act.replace('{order}', order.id).replace('{late}', 'lpm_01JAE2M4Q8W3N7R5T9V1X6Z0BC');
    const { status } = await call('POST', `/admin/v1/${path}`, { token: person.token, body: bodyOf(path) });
    expect(`${path} ${status}`).toBe(`${path} 403`);
  }
  if (role === 'auditor') {
    await page.goto(`${api_url}/admin/orders/${order.id}`);
    await page.getByRole('heading', { level: 1, name: `订单 ${order.merchant_order_no}` }).waitFor();
    for (const name of ['退款', '关闭订单', '向微信查单'])
      expect(await page.getByRole('button', { name, exact: true }).count(), name).toBe(0);
  }
  await endWell(watched);
});

function bodyOf(path: string): unknown {
  if (path.endsWith('/refunds')) return { refund: 1, reason: 'because' };
  if (path.endsWith('/decide')) return { decision: 'accept', reason: 'because' };
  if (path === 'staff') return { email: 'x@example.com', name: 'X', roles: ['tenant_viewer'], tenant_id };
  if (path === 'tenants') return { name: 'X' };
  if (path === 'orders/export') return { mode: 'test' };
  if (path === 'reconciliation/jobs') return { provider_id: 'prv_01JAE2M4Q8W3N7R5T9V1X6Z0BC', date: '2026-01-01' };
  return undefined;
}

it('answers a tenant that tries the addresses of another as if there were nothing', async () => {
  const order = await paidOrder(100);
  const { data: endpoints } = await asOwner('GET', '/admin/v1/webhook-endpoints?mode=test');
  const { data: merchants } = await asOwner('GET', `/admin/v1/sub-merchants?tenant_id=${tenant_id}`);
  const { data: deliveries } = await asOwner('GET', '/admin/v1/deliveries?mode=test');
  const other = await asOwner('POST', '/admin/v1/tenants', { name: '另一家' });
  const stranger = await newPerson(['tenant_dev'], other.id);
  const watched = await openAlone(stranger, '/orders');
  const { page } = watched;
  const paths = [
    `/orders/${order.id}`,
    `/tenants/${tenant_id}`,
    `/sub-merchants/${merchants[0].id}`,
    `/endpoints/${endpoints[0].id}`,
    `/deliveries/${deliveries[0].id}`,
  ];
  for (const path of paths) {
    await page.goto(`${api_url}/admin${path}`);
    await page.getByText('not_found', { exact: true }).waitFor();
    expect(await page.content(), path).not.toContain(order.merchant_order_no);
  }
  await page.goto(`${api_url}/admin/orders?number=${order.merchant_order_no}`);
  await page.getByText('没有符合条件的记录').waitFor();
  await page.goto(`${api_url}/admin/orders?tenant_id=${tenant_id}`);
  await page.getByRole('heading', { level: 1, name: '订单' }).waitFor();
  await settled(page);
  expect(await page.getByRole('rowheader').count()).toBe(0);
  await endWell(watched);
});
