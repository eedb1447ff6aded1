/** A browser in which everything that should not happen is noticed. */
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Request,
} from 'playwright-core';
import { expect, inject } from 'vitest';
import type { Person } from './facts';
import { freshCode } from './totp';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The library probes the scroll bar and locks scrolling by two styles without nonce; the policy refuses them, and nothing is lost. */
const REFUSED_STYLE = /Applying inline style violates the following Content Security Policy directive 'style-src/;
const MOST_REFUSED_STYLES_PER_PAGE = 40;
const MOST_CODES = 3;
const LINE = '/admin/v1/events';
const QUIET_MS = 500;
const LOOK_MS = 50;
const SETTLE_LIMIT_MS = 30_000;
const WIDE = { width: 1440, height: 900 };

let shared: Promise<Browser> | undefined;

/** The browser of this test file. */
export function browser(): Promise<Browser> {
  shared ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  return shared;
}

/** A page, with what it did wrong so far. */
export interface Watched {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Ends what was opened for this page alone. */
  readonly close: () => Promise<void>;
  /** Faults so far; a flow ends by expecting none. */
  readonly faults: string[];
}

async function newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  return (await browser()).newContext({
    viewport: WIDE,
    locale: 'zh-CN',
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  });
}

/** Opens a page of a new person: nobody is signed in. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await newContext(options);
  const page = await context.newPage();
  return { context, page, faults: watch(page), close: () => context.close() };
}

const underWay = new WeakMap<Page, Set<Request>>();

/** Waits until the page has asked for nothing for a while; the line on which the server names changes stays open. */
export async function settled(page: Page): Promise<void> {
  const deadline = Date.now() + SETTLE_LIMIT_MS;
  for (let quietSince = Date.now(); Date.now() - quietSince < QUIET_MS; ) {
    if (Date.now() > deadline) throw new Error('the page never stops asking');
    if (underWay.get(page)?.size) quietSince = Date.now();
    await page.waitForTimeout(LOOK_MS);
  }
}

function count(page: Page): void {
  const requests = new Set<Request>();
  underWay.set(page, requests);
  page.on('request', (request) => !request.url().endsWith(LINE) && requests.add(request));
  page.on('requestfinished', (request) => requests.delete(request));
  page.on('requestfailed', (request) => requests.delete(request));
}

/** Notes whatever the page does that it should not. */
function watch(page: Page): string[] {
  const { api_url } = inject('facts');
  count(page);
  const faults: string[] = [];
  let refusedStyles = 0;
  page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() !== 'error') return;
    // A refused call is what several flows are about; the page must say so, and the browser says so too.
    if (/Failed to load resource: the server responded with a status of 4\d\d/.test(text)) return;
    if (REFUSED_STYLE.test(text)) {
      refusedStyles += 1;
      if (refusedStyles <= MOST_REFUSED_STYLES_PER_PAGE) return;
    }
    faults.push(`console: ${text}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(api_url) && !/^(data|blob):/.test(request.url()))
      faults.push(`foreign request: ${request.url()}`);
  });
  return faults;
}

/** Signs a person in on the page that is open. */
export async function signIn(page: Page, person: Person): Promise<void> {
  await page.getByLabel('邮箱').fill(person.email);
  await page.getByLabel('密码', { exact: true }).fill(person.password);
  await page.keyboard.press('Enter');
  if (person.totp_secret !== undefined) await giveCode(page, person);
  await page.getByRole('navigation', { name: '主导航' }).waitFor();
}

/** Types the code of the telephone; one that was used elsewhere just now is followed by the next. */
export async function giveCode(page: Page, person: Person): Promise<void> {
  const field = page.getByLabel('动态验证码');
  const refused = page.getByText('邮箱、密码或验证码不正确');
  for (let tried = 0; tried < MOST_CODES; tried += 1) {
    await field.fill(await freshCode(person.totp_secret ?? ''));
    await page.keyboard.press('Enter');
    const gone = field.waitFor({ state: 'hidden' }).then(() => true);
    const wrong = refused.waitFor().then(() => false);
    if (await Promise.any([gone, wrong])) return;
  }
  throw new Error('no code was taken');
}

const signedIn = new Map<string, Promise<BrowserContext>>();

/** The session of somebody who is signed in for all flows. */
export function contextFor(person: Person): Promise<BrowserContext> {
  let known = signedIn.get(person.email);
  if (!known) {
    known = contextOf(person);
    signedIn.set(person.email, known);
    // What failed once is tried again by the next flow.
    known.catch(() => signedIn.delete(person.email));
  }
  return known;
}

async function contextOf(person: Person): Promise<BrowserContext> {
  const { api_url } = inject('facts');
  const context = await newContext();
  const page = await context.newPage();
  await page.goto(`${api_url}/admin/`);
  await signIn(page, person);
  await page.close();
  return context;
}

/** Opens a page as somebody, at a path below `/admin`; a person signs in once for all flows, because a code is good once. */
export async function openAs(person: Person, path = '/'): Promise<Watched> {
  const { api_url } = inject('facts');
  const context = await contextFor(person);
  const page = await context.newPage();
  const faults = watch(page);
  await page.goto(`${api_url}/admin${path}`);
  await page
    .getByRole('navigation', { name: '主导航' })
    .or(page.getByRole('button', { name: '打开导航' }))
    .first()
    .waitFor();
  return { context, page, faults, close: () => page.close() };
}

/** Opens a page of a session of its own, for flows that end it. */
export async function openAlone(person: Person, path = '/'): Promise<Watched> {
  const { api_url } = inject('facts');
  const watched = await openPage();
  await watched.page.goto(`${api_url}/admin${path}`);
  await signIn(watched.page, person);
  return watched;
}

/** Counts the pointer activations of an act. */
export async function clicksOf(page: Page, act: () => Promise<void>): Promise<number> {
  await page.evaluate(() => {
    const counter = window as unknown as { clicks: number };
    counter.clicks = 0;
    window.addEventListener('pointerdown', () => (counter.clicks += 1), { capture: true });
  });
  await act();
  return page.evaluate(() => (window as unknown as { clicks: number }).clicks);
}

/** Ends a flow: nothing went wrong on the way. */
export async function endWell(watched: Watched): Promise<void> {
  await watched.close();
  expect(watched.faults).toEqual([]);
}
