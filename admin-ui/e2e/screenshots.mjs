/**
 * Writes a picture of every page at 1440 and 390 px, light and dark, in both languages, into screenshots/, to be looked at.
 * The platform is the one that TRIBUTARY_DEV_JSON describes (`make run` writes data/dev/dev.json).
 */
import { createHmac } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const FOLDER = fileURLToPath(new URL('../screenshots', import.meta.url));
const WIDTHS = [1440, 390];

const factsFile = process.env.TRIBUTARY_DEV_JSON ?? fileURLToPath(new URL('../../data/dev/dev.json', import.meta.url));
const facts = JSON.parse(await readFile(factsFile, 'utf8'));

function code(secret) {
  const bits = [...secret]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  return ((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1_000_000).toString().padStart(6, '0');
}

await mkdir(FOLDER, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
// The line on which the server names changes stays open; without it the network comes to rest.
await page.route('**/admin/v1/events', (route) => route.abort());
await page.goto(`${facts.api_url}/admin/`);
await page.screenshot({ path: join(FOLDER, 'sign-in.png') });
await page.getByLabel('邮箱').fill(facts.owner.email);
await page.getByLabel('密码', { exact: true }).fill(facts.owner.password);
await page.keyboard.press('Enter');
await page.getByLabel('动态验证码').fill(code(facts.owner.totp_secret));
await page.keyboard.press('Enter');
await page.getByRole('navigation', { name: '主导航' }).waitFor();

/** The pages of the side bar, and the first object of each list. */
const paths = await page.locator('.side-link').evaluateAll((links) => links.map((link) => new URL(link.href).pathname));
for (const path of [...paths]) {
  await page.goto(facts.api_url + path);
  await page.waitForLoadState('networkidle');
  const first = await page
    .locator('tbody th a')
    .first()
    .getAttribute('href', { timeout: 500 })
    .catch(() => null);
  if (first) paths.push(first);
}

for (const language of ['zh-CN', 'en'])
  for (const theme of ['light', 'dark'])
    for (const width of WIDTHS) {
      await page.evaluate((chosen) => localStorage.setItem('tributary.preferences', JSON.stringify(chosen)), {
        language,
        theme,
      });
      await page.setViewportSize({ width, height: width > 767 ? 900 : 844 });
      for (const path of paths) {
        await page.goto(facts.api_url + path);
        await page.locator('h1').waitFor();
        await page.waitForLoadState('networkidle');
        const name =
          path
            .replace(/^\/admin\/?/, '')
            .replaceAll('/', '-')
            .replace(/-?(\w{2,4}_)\w{20,}/, '-one') || 'overview';
        await page.screenshot({ path: join(FOLDER, `${name}-${width}-${theme}-${language}.png`) });
      }
    }
await browser.close();
console.log(`pictures of ${paths.length} pages are in ${FOLDER}`);
