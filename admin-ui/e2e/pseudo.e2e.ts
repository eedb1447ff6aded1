/** English made 40 % longer, on every page at the smallest width: every text comes from a dictionary, and none is cut off. */
import type { Page } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { endWell, openAs, settled } from './browser';
import { paidOrder } from './demo';
import { PAGES } from './pages';

const { api_url, owner, tenant_id } = inject('facts');
const WALK_MS = 300_000;
const NARROW = { width: 320, height: 800 };
/** Names that are the same in every language. */
const NAMES = /支流|\[测试\]|北京|中文/g;

/** Texts that are wider than what holds them, where that hides the rest. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isCut = (element: Element) => {
      const { overflowX, overflowY } = getComputedStyle(element);
      const wide =
        overflowX !== 'visible' && !/auto|scroll/.test(overflowX) && element.scrollWidth > element.clientWidth + 1;
      const high =
        overflowY !== 'visible' && !/auto|scroll/.test(overflowY) && element.scrollHeight > element.clientHeight + 1;
      return wide || high;
    };
    const isHidden = (element: Element) => element.closest('.visually-hidden, [aria-hidden="true"]') !== null;
    const holdsText = (element: Element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE);
    return [...document.querySelectorAll('body *')]
      .filter((element) => holdsText(element) && !isHidden(element) && element.getClientRects().length > 0)
      .filter(isCut)
      .map((element) => `${element.tagName} .${element.className}: ${element.textContent}`);
  });
}

/** What the demo's owner and tenant are called. */
const DEMO = /^Demo (owner|tenant)$/;

/** Headings, labels, buttons and links that the pseudo language has not passed through. */
function untranslated(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const fixed = 'h1, h2, h3, label, legend, button, [role="tab"], nav a, th[scope="col"], summary, caption';
    return [...document.querySelectorAll(fixed)]
      .map((element) => (element.textContent ?? '').trim())
      .filter((text) => /[A-Za-z]{3}/.test(text) && !text.includes('['));
  });
}

it('has every text from a dictionary, and cuts none off at 320 px', { timeout: WALK_MS }, async () => {
  const { id } = await paidOrder(888);
  const watched = await openAs(owner);
  const { page } = watched;
  await speak(page, 'pseudo');
  const faults: string[] = [];
  const more = [`/orders/${id}`, `/orders/${id}?tab=told`, `/tenants/${tenant_id}`];
  for (const path of [...PAGES.map((each) => each.path), ...more]) {
    await page.setViewportSize({ width: 1440, height: 800 });
    await page.goto(`${api_url}/admin${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await settled(page);
    for (const text of await untranslated(page)) if (!DEMO.test(text)) faults.push(`${path} says by itself: ${text}`);
    const chinese = (await page.locator('main').innerText()).replace(NAMES, '');
    faults.push(...lines(chinese).map((line) => `${path} has Chinese: ${line}`));
    await page.setViewportSize(NARROW);
    for (const text of await cutOff(page)) faults.push(`${path} cuts off: ${text}`);
  }
  // The other flows share this person's browser.
  await speak(page, 'zh-CN');
  expect(faults).toEqual([]);
  await endWell(watched);
});

function speak(page: Page, language: string): Promise<void> {
  return page.evaluate((chosen) => {
    localStorage.setItem('tributary.preferences', JSON.stringify({ language: chosen }));
  }, language);
}

/** Chinese sentences, cell by cell: names, and the reasons that somebody gave, are what they are. */
function lines(text: string): string[] {
  return text.split(/[\n\t]/).filter((line) => /[\u4e00-\u9fff]{2}/.test(line) && /[:：。，]/.test(line));
}
