/** Every page in both looks: axe finds nothing, Tab reaches the end, nothing is cut off at the side. */
import { expect, inject, it } from 'vitest';
import { expectAccessible } from './axe';
import { endWell, openAs, openPage, settled } from './browser';
import { PAGES } from './pages';

const { api_url, owner } = inject('facts');
const MOST_STOPS = 400;
/** Two dozen pages one after another, on a machine that does other things. */
const WALK_MS = 300_000;

/** Presses Tab until the focus comes round; an element that keeps it would end this by the limit. */
async function walk(page: import('playwright-core').Page): Promise<number> {
  let stops = 0;
  let stuck = 0;
  let before = '';
  for (; stops < MOST_STOPS; stops += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      if (!element || element === document.body) return '';
      element.dataset.stop ??= crypto.randomUUID();
      return element.dataset.stop;
    });
    if (at === '') return stops;
    stuck = at === before ? stuck + 1 : 0;
    expect(stuck, 'an element keeps the focus').toBeLessThan(3);
    before = at;
  }
  throw new Error('Tab never reached the end of the page');
}

it('has an accessible sign-in', async () => {
  const watched = await openPage();
  await watched.page.goto(`${api_url}/admin/`);
  await watched.page.getByRole('heading', { level: 1 }).waitFor();
  await expectAccessible(watched.page, 'sign-in');
  await endWell(watched);
});

it('is accessible on every page, light and dark', { timeout: WALK_MS }, async () => {
  const watched = await openAs(owner);
  const { page } = watched;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const { name, path, heading } of PAGES) {
      await page.goto(`${api_url}/admin${path}`);
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await settled(page);
      await expectAccessible(page, `${name}, ${colorScheme}`);
    }
  }
  await endWell(watched);
});

it('lets Tab through every page', { timeout: WALK_MS }, async () => {
  const watched = await openAs(owner);
  const { page } = watched;
  for (const { path, heading } of PAGES) {
    await page.goto(`${api_url}/admin${path}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await settled(page);
    expect(await walk(page)).toBeGreaterThan(3);
  }
  await endWell(watched);
});

it('never scrolls sideways, from 320 px up', { timeout: WALK_MS }, async () => {
  const watched = await openAs(owner);
  const { page } = watched;
  for (const { name, path, heading } of PAGES) {
    await page.setViewportSize({ width: 1440, height: 800 });
    await page.goto(`${api_url}/admin${path}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await settled(page);
    for (const width of [1440, 1024, 768, 390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const over = await page.evaluate(() => {
        const main = document.querySelector('main');
        return [document.documentElement, main].map((element) =>
          element ? element.scrollWidth - element.clientWidth : 0,
        );
      });
      expect(Math.max(...over), `${name} at ${width}`).toBeLessThanOrEqual(0);
    }
  }
  await endWell(watched);
});
