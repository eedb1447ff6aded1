/** Signing in, staying signed in, and what happens when the session ends while somebody works. */
import { expect, inject, it } from 'vitest';
import { endWell, openAlone, openPage, signIn } from '../browser';
import { newPerson } from '../people';

const { api_url, owner, tenant_id } = inject('facts');

it('signs in with the second factor and keeps the address that was opened', async () => {
  const person = await newPerson(['auditor']);
  const watched = await openPage();
  const { page } = watched;
  await page.goto(`${api_url}/admin/staff?state=active`);
  await signIn(page, person);
  await page.getByRole('heading', { level: 1, name: '人员与角色' }).waitFor();
  expect(new URL(page.url()).search).toBe('?state=active');
  await endWell(watched);
});

it('says neither which part was wrong nor whether the account exists', async () => {
  const watched = await openPage();
  const { page } = watched;
  await page.goto(`${api_url}/admin/`);
  for (const email of [owner.email, 'nobody@example.com']) {
    await page.getByLabel('邮箱').fill(email);
    await page.getByLabel('密码', { exact: true }).fill('a wrong password 1');
    await page.keyboard.press('Enter');
    await page.getByText('邮箱、密码或验证码不正确').waitFor();
  }
  await endWell(watched);
});

it('survives a reload by the cookie, and keeps no token where a script could find it', async () => {
  const watched = await openAlone(await newPerson(['support']));
  const { page, context } = watched;
  await page.reload();
  await page.getByRole('navigation', { name: '主导航' }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).not.toMatch(/token|eyJ/);
  const session = (await context.cookies()).find((cookie) => cookie.name === '__Host-tributary');
  expect(session).toMatchObject({ httpOnly: true, secure: true });
  expect(await page.evaluate(() => document.cookie)).not.toContain('__Host-tributary=');
  await endWell(watched);
});

it('asks to sign in over the page when the session ended, and keeps what was typed', async () => {
  const person = await newPerson(['tenant_owner'], tenant_id);
  const watched = await openAlone(person, '/staff');
  const { page, context } = watched;
  await page.getByRole('button', { name: '邀请人员' }).click();
  await page.getByLabel('姓名').fill('赵六');
  await context.clearCookies();
  await page.route('**/admin/v1/staff', (route) =>
    route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: '{"code":"unauthorized","title":"ended"}',
    }),
  );
  await page.getByLabel('邮箱').fill('zhao@example.com');
  await page.getByRole('checkbox').first().check();
  await page.getByRole('button', { name: '生成邀请' }).click();
  const again = page.getByRole('dialog', { name: '会话已结束，请重新登录' });
  await again.waitFor();
  await page.unroute('**/admin/v1/staff');
  await again.getByLabel('密码', { exact: true }).fill(person.password);
  await page.keyboard.press('Enter');
  await again.getByRole('button', { name: '改用恢复码' }).click();
  await again.getByLabel('恢复码').fill(person.recovery_codes[0] ?? '');
  await page.keyboard.press('Enter');
  await again.waitFor({ state: 'hidden' });
  expect(await page.getByLabel('姓名').inputValue()).toBe('赵六');
  expect(await page.getByLabel('邮箱').inputValue()).toBe('zhao@example.com');
  await endWell(watched);
});

it('signs out, and the back button brings nothing back', async () => {
  const watched = await openAlone(await newPerson(['auditor']), '/staff');
  const { page } = watched;
  await page.getByRole('button', { name: /^账号/ }).click();
  await page.getByRole('menuitem', { name: '退出登录' }).click();
  await page.getByRole('heading', { name: '登录支流管理台' }).waitFor();
  await page.goBack();
  await page.goForward().catch(() => undefined);
  await page.goto(`${api_url}/admin/staff`);
  await page.getByRole('heading', { name: '登录支流管理台' }).waitFor();
  await endWell(watched);
});
