/**
 * What is pictured besides the pages of the side bar: pages of one object in their states, dialogs, menus, empty lists and
 * faults. A scene opens a path and leads the page to what is to be seen; nothing is changed at the server, because every
 * write is answered here.
 */

/** Opens the dialog of a button, named in Chinese or English. */
const press = (name) => async (page) => {
  await page.getByRole('button', { name }).first().click();
  await page.locator('.ant-modal-container').last().waitFor();
};

/** Follows a tab, named by its place. */
const tab = (place) => (page) => page.getByRole('tab').nth(place).click();

/** One act after another. */
const inTurn =
  (...acts) =>
  async (page, shown) => {
    for (const act of acts) await act(page, shown);
  };

/** Fills the fields of the open dialog in order. */
const fill =
  (...texts) =>
  async (page) => {
    const fields = page
      .locator('.ant-modal-container')
      .last()
      .locator('input:not([type=checkbox]):not([role=combobox]), textarea');
    for (const [at, text] of texts.entries()) await fields.nth(at).fill(text);
  };

const submit = (page) => page.locator('.ant-modal-container').last().locator('button[type=submit]').click();

/** Answers calls to a path of the API here. */
const answer =
  (path, status, body, headers = {}) =>
  (page) =>
    page.route(`**/admin/v1/${path}`, (route) =>
      route.fulfill({ status, contentType: 'application/json', headers, body: JSON.stringify(body) }),
    );

/** Answers calls to a path only after the picture was taken. */
const silence = (path) => (page) => page.route(`**/admin/v1/${path}`, () => undefined);

const fault = (code, title, detail, more = {}) => ({
  type: 'about:blank',
  code,
  title,
  detail,
  request_id: 'req_01KB3YV0X9M4N2P6Q8R0S2T4V6',
  ...more,
});

/** Reads are repeated before the page says that they failed. */
const faultSeen = (page) => page.locator('.problem').first().waitFor({ timeout: 15_000 });

/** The person has no permission, whatever their role is. */
const without = (permission) => (page) =>
  page.route('**/admin/v1/me', async (route) => {
    const response = await route.fetch();
    const me = await response.json();
    await route.fulfill({
      response,
      json: { ...me, permissions: me.permissions.filter((each) => each !== permission) },
    });
  });

const once = (path, secret) =>
  answer(path, 201, { secret, invitation_url: secret, expires_at: '2026-12-03T10:00:00Z' });

/** Scenes of somebody who is signed in; `at` is a path, or the list whose first row is opened. */
export const SCENES = [
  { name: 'order-held', first: '/orders?problem=held&from=2026-01-01' },
  { name: 'order-late', first: '/orders?problem=paid_late&from=2026-01-01' },
  { name: 'order-undelivered', first: '/orders?problem=undelivered&from=2026-01-01' },
  { name: 'order-found-by-query', first: '/orders?problem=found_by_query&from=2026-01-01' },
  { name: 'order-open', first: '/orders?state=paying&from=2026-01-01' },
  { name: 'order-partly-refunded', first: '/orders?state=partially_refunded&from=2026-01-01' },
  { name: 'order-refunds', first: '/orders?refunds=part&from=2026-01-01', act: tab(1) },
  { name: 'order-attempts', first: '/orders?problem=held&from=2026-01-01', act: tab(2) },
  { name: 'order-notes', first: '/orders?problem=held&from=2026-01-01', act: tab(3) },
  { name: 'order-raw', first: '/orders?problem=held&from=2026-01-01', act: tab(4) },
  { name: 'delivery-failed', first: '/deliveries?state=failed&from=2026-01-01' },
  {
    name: 'delivery-payload',
    first: '/deliveries?state=succeeded',
    act: (page) => page.locator('details > summary').first().click(),
  },
  { name: 'endpoint-bad', first: '/endpoints?state=disabled' },
  { name: 'refund-abnormal', first: '/refunds?state=abnormal&from=2026-01-01' },
  { name: 'notification-quarantined', first: '/notifications?state=quarantined&from=2026-01-01' },
  { name: 'approval', first: '/inbox' },
  { name: 'job-recovery', nth: 1, first: '/jobs' },

  { name: 'dialog-refund', first: '/orders?state=paid', act: press(/^(退款|Refund)$/) },
  {
    name: 'dialog-refund-wrong',
    first: '/orders?state=paid',
    act: inTurn(press(/^(退款|Refund)$/), fill('99999.999', 'A customer complained', '0000')),
  },
  {
    name: 'dialog-refund-waits',
    first: '/orders?state=paid',
    act: inTurn(
      answer(
        'orders/*/refunds',
        409,
        fault('approval_required', 'Approval required', 'apr_01KB3YV0X9M4N2P6Q8R0S2T4V6 waits'),
      ),
      press(/^(退款|Refund)$/),
      async (page) => {
        const dialog = page.locator('.ant-modal-container');
        const target = await dialog.locator('label .mono').innerText();
        await fill('0.01', '重复下单', target.slice(-4))(page);
      },
      submit,
      (page) => page.locator('.ant-modal-container a').waitFor(),
    ),
  },
  { name: 'dialog-query', first: '/orders?state=paid', act: press(/^(向微信查单|Ask WeChat)$/) },
  {
    name: 'dialog-query-fault',
    first: '/orders?state=paid',
    act: inTurn(
      answer(
        'orders/*/query',
        502,
        fault('wechat_error', '微信支付拒绝了这次请求', 'WeChat Pay refused the request.', {
          wechat: {
            code: 'FREQUENCY_LIMITED',
            message: '频率超限',
            cause: { zh: '调用过于频繁，稍后会自动恢复。', en: 'Too many calls; it passes by itself.' },
            retryable: true,
            who_must_act: 'provider',
          },
        }),
      ),
      press(/^(向微信查单|Ask WeChat)$/),
      submit,
      (page) => page.locator('.problem').waitFor(),
    ),
  },
  { name: 'dialog-export', path: '/orders', act: press(/^(导出 CSV|Export CSV)$/) },
  { name: 'dialog-accept', first: '/orders?problem=held&from=2026-01-01', act: press(/^(接受款项|Accept the money)$/) },
  { name: 'dialog-alarm', path: '/inbox', act: press(/^(标记已处理|Mark as resolved)/) },
  { name: 'dialog-approve', first: '/inbox', act: press(/^(拒绝|Reject)$/) },
  { name: 'dialog-tenant', path: '/tenants', act: press(/^(新建租户|新增租户|New tenant|Add)/) },
  { name: 'dialog-tenant-edit', first: '/tenants', act: press(/^(修改|Edit)$/) },
  { name: 'dialog-tenant-policy', first: '/tenants', act: press(/^(迟到款项策略|Late money)$/) },
  { name: 'dialog-tenant-close', first: '/tenants', act: press(/^(关闭|Close)$/) },
  { name: 'dialog-limit', first: '/tenants', act: press(/(修改额度|Change the limit)/) },
  { name: 'dialog-key', first: '/tenants', act: press(/^(新建密钥|新增密钥|New key|.*API key.*)$/) },
  {
    name: 'dialog-key-once',
    first: '/tenants',
    act: inTurn(
      once('tenants/*/api-keys', 'trib_test_9f3c2b7a5d1e4f60_Qm9uam91ciBsZSBtb25kZSBlbnRpZXI'),
      press(/^(新建密钥|新增密钥|New key|.*API key.*)$/),
      fill('收银台'),
      submit,
      (page) => page.locator('.secret-once').waitFor(),
    ),
  },
  { name: 'dialog-key-roll', first: '/tenants', act: press(/^(轮换|Roll)/) },
  { name: 'dialog-certificate', first: '/tenants', act: press(/(签发|Issue)/) },
  { name: 'dialog-merchant', path: '/sub-merchants', act: press(/^(添加|Add)/) },
  { name: 'dialog-merchant-suspend', first: '/sub-merchants', act: press(/^(停用|Suspend)$/) },
  { name: 'dialog-app', first: '/sub-merchants', act: press(/(添加应用|Add an app|Add app)/i) },
  { name: 'dialog-provider-import', first: '/providers', act: press(/^(导入密钥|Import a key)$/) },
  { name: 'dialog-provider-prefer', first: '/providers', act: press(/^(改用微信支付公钥|Prefer the public key)$/) },
  { name: 'dialog-provider-test', first: '/providers', act: press(/^(运行自检|Test the keys)$/) },
  { name: 'dialog-recon-run', path: '/recon', act: press(/^(立即对账|Compare now)$/) },
  { name: 'recon-differences', first: '/recon', nth: 3 },
  { name: 'dialog-explain', first: '/recon', nth: 3, act: press(/^(说明|Explain)/) },
  { name: 'dialog-assign', first: '/recon', nth: 3, act: press(/^(指派|Assign)/) },
  { name: 'dialog-endpoint-pause', first: '/endpoints', act: press(/^(暂停|Pause)$/) },
  {
    name: 'dialog-recover',
    first: '/endpoints',
    nth: 2,
    act: inTurn(press(/^(批量恢复|Recover)$/), (page) =>
      page
        .locator('.ant-modal-container')
        .getByRole('button', { name: /(预览|统计|Count|Plan|Preview)/ })
        .first()
        .click({ timeout: 2000 }),
    ),
  },
  { name: 'dialog-replay', first: '/deliveries?state=failed&from=2026-01-01', act: press(/^(重放|Replay)$/) },
  {
    name: 'dialog-reprocess',
    first: '/notifications?state=quarantined&from=2026-01-01',
    act: press(/^(重新处理|Process again)$/),
  },
  { name: 'dialog-invite', path: '/staff', act: press(/^(邀请|Invite)/) },
  { name: 'dialog-roles', first: '/staff', nth: 1, act: press(/^(修改角色|Change roles)$/) },
  { name: 'dialog-suspend', first: '/staff', nth: 1, act: press(/^(停用|Suspend)$/) },
  {
    name: 'dialog-overtaken',
    first: '/tenants',
    act: inTurn(
      answer('tenants/*', 409, fault('version_conflict', 'Changed in the meantime', 'The version named is no more.')),
      press(/^(修改|Edit)$/),
      submit,
      (page) => page.locator('.ant-modal-container .ant-alert').waitFor(),
    ),
    late: true,
  },

  { name: 'palette', path: '/', act: (page) => page.keyboard.press('Control+k') },
  {
    name: 'palette-found',
    path: '/',
    act: inTurn(
      (page) => page.keyboard.press('Control+k'),
      (page, shown) => page.locator('.palette-field').fill(shown.order),
      (page) => page.waitForTimeout(600),
    ),
  },
  {
    name: 'palette-none',
    path: '/',
    act: inTurn(
      (page) => page.keyboard.press('Control+k'),
      (page) => page.locator('.palette-field').fill('4200000000000000000000000001'),
      (page) => page.waitForTimeout(600),
    ),
  },
  { name: 'shortcuts', path: '/', act: (page) => page.keyboard.press('?') },
  { name: 'menu-account', path: '/', act: (page) => page.locator('.top-end button').last().click() },
  {
    name: 'menu-columns',
    path: '/orders',
    act: (page) => page.locator('.list-head > button').last().click(),
    wide: true,
  },
  {
    name: 'menu-select',
    path: '/orders',
    act: (page) => page.locator('.filter-fields .ant-select').nth(2).click(),
    wide: true,
  },
  { name: 'menu-days', path: '/orders', act: (page) => page.locator('.ant-picker').first().click(), wide: true },
  { name: 'drawer', path: '/orders', act: (page) => page.locator('.menu-button').click(), narrow: true },
  { name: 'filters', path: '/orders', act: (page) => page.locator('.filters-toggle').click(), narrow: true },
  {
    name: 'audit-change',
    path: '/audit',
    act: (page) => page.locator('tbody details > summary').first().click(),
    wide: true,
  },
  {
    name: 'timeline-facts',
    first: '/orders?state=paid',
    act: (page) => page.locator('details.timeline-facts > summary').first().click(),
  },
  {
    name: 'signature-other',
    first: '/deliveries?state=succeeded',
    act: (page) => page.locator('section input.mono').last().fill('v1,bm90IHRoZSBzYW1l'),
  },

  { name: 'empty-filtered', path: '/orders?number=NOWHERE-1' },
  { name: 'empty-never', path: '/orders', before: answer('orders?*', 200, { data: [] }) },
  { name: 'waiting', path: '/orders', before: silence('orders?*'), unsettled: true },
  {
    name: 'fault-list',
    path: '/orders',
    before: answer('orders?*', 503, fault('unavailable', 'Unavailable', ''), { 'Retry-After': '30' }),
    act: faultSeen,
  },
  { name: 'fault-object', path: '/orders/ord_00000000000000000000000000' },
  {
    name: 'fault-overview',
    path: '/',
    before: (page) => page.route('**/admin/v1/statistics/**', (route) => route.abort()),
    act: faultSeen,
  },
  { name: 'not-found', path: '/nowhere' },
  { name: 'forbidden', path: '/providers', before: without('provider:read') },
  {
    name: 'step-up',
    first: '/orders?state=paid',
    act: inTurn(
      answer('orders/*/query', 403, fault('step_up_required', 'A fresh proof is needed', '')),
      press(/^(向微信查单|Ask WeChat)$/),
      submit,
      (page) => page.locator('input[autocomplete=one-time-code]').waitFor(),
    ),
  },
  {
    name: 'session-over',
    path: '/orders',
    act: inTurn(
      (page) => page.route('**/admin/v1/session/refresh', (route) => route.fulfill({ status: 401, body: '{}' })),
      answer('orders?*', 401, fault('unauthenticated', 'Signed out', '')),
      (page) => page.locator('.refresh-bar button').last().click(),
      (page) => page.locator('.ant-modal-container').waitFor(),
    ),
  },
  {
    name: 'offline',
    path: '/orders',
    act: async (page) => {
      await page.context().setOffline(true);
      await page.waitForTimeout(200);
    },
    after: (page) => page.context().setOffline(false),
  },
];

/** Scenes of somebody who is not signed in, in a browser of their own. */
export const STRANGERS = [
  { name: 'sign-in', path: '/' },
  {
    name: 'sign-in-wrong',
    path: '/',
    before: answer('session', 401, fault('invalid_credentials', 'Wrong', '')),
    act: signInAs('nobody@example.com', 'not the password'),
  },
  {
    name: 'sign-in-locked',
    path: '/',
    before: answer('session', 429, fault('too_many_attempts', 'Too many tries', ''), { 'Retry-After': '42' }),
    act: signInAs('nobody@example.com', 'not the password'),
  },
  {
    name: 'sign-in-down',
    path: '/',
    before: (page) => page.route('**/admin/v1/session', (route) => route.abort()),
    act: signInAs('nobody@example.com', 'not the password'),
  },
  {
    name: 'sign-in-factor',
    path: '/',
    before: answer('session', 401, fault('second_factor_required', 'Second factor', '')),
    act: signInAs('owner@example.com', 'the right password'),
  },
  { name: 'invitation', path: '/invitation#inv_token', act: (page) => fillLone(page, 'short', 'other') },
  {
    name: 'invitation-refused',
    path: '/invitation#inv_token',
    act: async (page) => {
      await fillLone(page, 'a long way to the river', 'a long way to the river');
      await page.keyboard.press('Enter');
      await page.locator('.problem').waitFor();
    },
  },
  {
    name: 'enrolment',
    path: '/',
    before: enrolling,
    act: inTurn(signInAs('new@example.com', 'a long way to the river'), (page) =>
      page.locator('.lone-card button.ant-btn-primary').last().click(),
    ),
  },
  {
    name: 'recovery-codes',
    path: '/',
    before: enrolling,
    act: inTurn(
      signInAs('new@example.com', 'a long way to the river'),
      (page) => page.locator('.lone-card button.ant-btn-primary').last().click(),
      (page) => page.locator('input[autocomplete=one-time-code]').fill('123456'),
      (page) => page.keyboard.press('Enter'),
      (page) => page.locator('.ant-modal-container .secret-once').waitFor(),
    ),
  },
];

function signInAs(email, password) {
  return async (page) => {
    await fillLone(page, email, password);
    await page.keyboard.press('Enter');
    await page.waitForTimeout(400);
  };
}

async function fillLone(page, ...texts) {
  const fields = page.locator('.lone-card input');
  for (const [at, text] of texts.entries()) await fields.nth(at).fill(text);
}

/** A person whose first sign-in this is. */
async function enrolling(page) {
  await answer('session', 201, { access_token: 'a', csrf_token: 'c', expires_in: 300 })(page);
  await answer('me', 200, {
    staff: { id: 'stf_1', second_factor_enrolment_required: true },
    permissions: [],
    roles: [],
  })(page);
  await answer('me/totp', 201, {
    secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    otpauth_url: 'otpauth://totp/Tributary:new@example.com?secret=JBSWY3DPEHPK3PXP',
  })(page);
  const recovery_codes = [
    '7f3k-9m2p',
    'q4wx-8c5v',
    'b6nj-1t7r',
    'z2hd-5y8g',
    'm9ks-3f4w',
    'x7pc-6v1n',
    'r5tb-2j8q',
    'w8gh-4d6z',
  ];
  await answer('me/totp/confirm', 200, { recovery_codes })(page);
}
