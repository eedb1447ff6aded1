/** A browser in which everything that should not happen is noticed. */
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
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

let shared: Promise<Browser> | undefined;

/** The browser of this test file. */
export function browser(): Promise<Browser> {
  shared ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  return shared;
}

/** Ends it. */
export async function closeBrowser(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}

/** A page, with what it did wrong so far. */
export interface Watched {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Faults so far; a flow ends by expecting none. */
  readonly faults: string[];
}

/** Opens a page of a new person: nobody is signed in. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Watched> {
  const { api_url } = inject('facts');
  const context = await (await browser()).newContext({
    viewport: { width: 1440, height: 900 },
    locale: 'zh-CN',
    ...options,
  });
  const page = await context.newPage();
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
  return { context, page, faults };
}

/** Signs a person in on the page that is open. */
export async function signIn(page: Page, person: Person): Promise<void> {
  await page.getByLabel('邮箱').fill(person.email);
  await page.getByLabel('密码', { exact: true }).fill(person.password);
  await page.keyboard.press('Enter');
  await page.getByLabel('动态验证码').fill(await freshCode(person.totp_secret));
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: '主导航' }).waitFor();
}

/** Opens a page as somebody, at a path below `/admin`. */
export async function openAs(person: Person, path = '/', options: BrowserContextOptions = {}): Promise<Watched> {
  const watched = await openPage(options);
  const { api_url } = inject('facts');
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
  await watched.context.close();
  expect(watched.faults).toEqual([]);
}
