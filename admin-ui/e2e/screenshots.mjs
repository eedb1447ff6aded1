/**
 * Writes a picture of every page, dialog and fault at 1440 and 390 px, light and dark, in both languages, into screenshots/,
 * to be looked at. The platform is the one that TRIBUTARY_DEV_JSON describes (`make run` writes data/dev/dev.json).
 * Words behind the command choose: `npm run screenshots -- only=dialog width=390 theme=dark language=en`.
 */
import { createHmac } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { SCENES, STRANGERS } from './scenes.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const FOLDER = fileURLToPath(new URL('../screenshots', import.meta.url));
/** A picture is as high as its page, within reason. */
const SIZES = [
  { width: 1440, height: 900, most: 1800 },
  { width: 390, height: 844, most: 1560 },
];
const PATIENCE_MS = 5_000;
const CODE_MS = 30_000;
const SETTLE_MS = 450;
const MOST_CODES = 3;

const chosen = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const only = new RegExp(chosen.only ?? '');
const isChosen = (name) => only.test(name);
const fits = (key, value) => chosen[key] === undefined || chosen[key] === value;

const factsFile = process.env.TRIBUTARY_DEV_JSON ?? fileURLToPath(new URL('../../data/dev/dev.json', import.meta.url));
const facts = JSON.parse(await readFile(factsFile, 'utf8'));
const ADMIN = `${facts.api_url}/admin`;

function code(secret) {
  const bits = [...secret]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / CODE_MS)));
  const digest = createHmac('sha1', key).update(counter).digest();
  return ((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1_000_000).toString().padStart(6, '0');
}

async function signIn(page) {
  await page.goto(`${ADMIN}/`);
  await page.getByLabel('邮箱').fill(facts.owner.email);
  await page.getByLabel('密码', { exact: true }).fill(facts.owner.password);
  await page.keyboard.press('Enter');
  const inside = page.getByRole('navigation', { name: '主导航' });
  const refused = page.getByText('邮箱、密码或验证码不正确');
  for (let tried = 0; tried < MOST_CODES; tried += 1) {
    // A code that was used elsewhere just now is followed by the next.
    if (tried > 0) await page.waitForTimeout(CODE_MS - (Date.now() % CODE_MS));
    await page.getByLabel('动态验证码').fill(code(facts.owner.totp_secret));
    await page.keyboard.press('Enter');
    await inside.or(refused).first().waitFor();
    if (await inside.isVisible()) return;
  }
  throw new Error('no code was taken');
}

const rows = new Map();

/** The path of a row of a list; absent where the list is shorter. Each list is opened once. */
async function pathOf(page, list, nth = 0) {
  if (!rows.has(list)) {
    await page.goto(ADMIN + list);
    await page.waitForLoadState('networkidle');
    const links = await page.locator('tbody th a').evaluateAll((all) => all.map((link) => new URL(link.href).pathname));
    rows.set(list, links);
  }
  return rows.get(list)[nth]?.replace(/^\/admin/, '');
}

/** Pages whose first link leads to no page of its own kind. */
const ONE_OF_NONE = new Set(['overview', 'inbox', 'bills', 'audit']);

/** The pages of the side bar, the first object of each list, and the scenes, each with its path. */
async function scenesOf(page) {
  const links = await page.locator('.side-link').evaluateAll((all) => all.map((link) => new URL(link.href).pathname));
  const found = [];
  for (const link of [...links, '/admin/account']) {
    const path = link.replace(/^\/admin/, '') || '/';
    const name = path.slice(1).replaceAll('/', '-') || 'overview';
    found.push({ name, path });
    const first = ONE_OF_NONE.has(name) || !isChosen(`${name}-one`) ? undefined : await pathOf(page, path);
    if (first) found.push({ name: `${name}-one`, path: first });
  }
  for (const scene of SCENES) {
    if (!isChosen(scene.name)) continue;
    const path = scene.path ?? (await pathOf(page, scene.first, scene.nth));
    if (path === undefined) console.log(`no picture of ${scene.name}: nothing in ${scene.first}`);
    else found.push({ ...scene, path });
  }
  return found;
}

/** Makes the window as high as what it shows. */
async function stretch(page, size) {
  await page.setViewportSize({ width: size.width, height: size.most });
  const wanted = await page.evaluate(() => {
    const shown = document.querySelector('.main > .page:last-child');
    return Math.ceil((shown?.getBoundingClientRect().bottom ?? 0) + 48);
  });
  await page.setViewportSize({ width: size.width, height: Math.min(size.most, Math.max(size.height, wanted)) });
}

async function picture(page, scene, size, look, shown) {
  await page.setViewportSize({ width: size.width, height: size.height });
  await scene.before?.(page);
  await page.goto('about:blank');
  await page.goto(ADMIN + scene.path);
  await page.locator('h1').waitFor();
  if (scene.unsettled) await page.waitForTimeout(600);
  else await page.waitForLoadState('networkidle');
  await scene.act?.(page, shown);
  // What opens fades in, and may ask for more.
  if (scene.act) await page.waitForTimeout(SETTLE_MS);
  await stretch(page, size);
  await page.waitForTimeout(100);
  await page.screenshot({ path: join(FOLDER, `${scene.name}-${size.width}-${look.theme}-${look.language}.png`) });
  await scene.after?.(page);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
}

/** Every look that was asked for. */
const LOOKS = ['zh-CN', 'en']
  .flatMap((language) => ['light', 'dark'].flatMap((theme) => SIZES.map((size) => ({ language, theme, size }))))
  .filter(
    ({ language, theme, size }) =>
      fits('language', language) && fits('theme', theme) && fits('width', String(size.width)),
  );

function isWanted(scene, { size }) {
  if ((scene.narrow && size.width > 767) || (scene.wide && size.width < 768)) return false;
  return isChosen(scene.name);
}

/** Takes one picture; one that cannot be taken is told, and does not keep the others from being taken. */
async function tryPicture(page, scene, look, shown) {
  try {
    await picture(page, scene, look.size, look, shown);
    return 1;
  } catch (error) {
    console.log(
      `no picture of ${scene.name} (${look.size.width}, ${look.theme}, ${look.language}): ${firstLine(error)}`,
    );
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await scene.after?.(page);
    return 0;
  }
}

function firstLine(error) {
  return String(error).split('\n', 3).join(' ');
}

async function pictures(page, scenes, shown) {
  let count = 0;
  for (const look of LOOKS) {
    await page.goto(`${ADMIN}/icon.svg`);
    const kept = { language: look.language, theme: look.theme };
    await page.evaluate((given) => localStorage.setItem('tributary.preferences', JSON.stringify(given)), kept);
    for (const scene of scenes.filter((each) => isWanted(each, look)))
      count += await tryPicture(page, scene, look, shown);
  }
  return count;
}

await mkdir(FOLDER, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
async function newPage() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN' });
  context.setDefaultTimeout(PATIENCE_MS);
  // The line on which the server names changes stays open; without it the network comes to rest.
  await context.route('**/admin/v1/events', (route) => route.abort());
  return context.newPage();
}

const stranger = await newPage();
const own = await newPage();
await signIn(own);
const scenes = await scenesOf(own);
await own.goto(`${ADMIN}/orders?state=paid`);
const shown = { order: await own.locator('tbody th a').first().innerText() };
const count = (await pictures(own, scenes, shown)) + (await pictures(stranger, STRANGERS, shown));
await browser.close();
console.log(`${count} pictures are in ${FOLDER}`);
