/** How soon the page is there, from a cold start on this machine. */
import { expect, inject, it } from 'vitest';
import { endWell, openAs, openPage, settled } from './browser';

const { api_url, owner } = inject('facts');
/** What a person waits for the largest part of the page at most. */
const LCP_MS = 1_000;
/** The machine may have other things to do; what the page itself needs is the fastest of these. */
const MOST_TRIES = 12;

async function largestPaint(page: import('playwright-core').Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => resolve(list.getEntries().at(-1)?.startTime ?? 0)).observe({
          type: 'largest-contentful-paint',
          buffered: true,
        });
      }),
  );
}

it('shows the sign-in within a second', async () => {
  const times: number[] = [];
  while (times.length < MOST_TRIES && times.every((time) => time > LCP_MS)) {
    const watched = await openPage();
    await watched.page.goto(`${api_url}/admin/`);
    await watched.page.getByRole('heading', { level: 1 }).waitFor();
    times.push(await largestPaint(watched.page));
    await endWell(watched);
  }
  console.log(`largest contentful paint, cold: ${times.map(Math.round).join(', ')} ms`);
  expect(Math.min(...times)).toBeLessThanOrEqual(LCP_MS);
});

it('sends each file compressed and for good, and the page fresh', async () => {
  const watched = await openAs(owner);
  const answers: { url: string; encoding?: string; cache?: string }[] = [];
  watched.page.on('response', (answer) => {
    const headers = answer.headers();
    answers.push({ url: answer.url(), encoding: headers['content-encoding'], cache: headers['cache-control'] });
  });
  await watched.page.goto(`${api_url}/admin/`);
  await settled(watched.page);
  const scripts = answers.filter(({ url }) => /assets\/index-.*\.js$/.test(url));
  expect(answers.find(({ url }) => url.endsWith('/admin/'))?.cache).toBe('no-store');
  for (const script of scripts)
    expect(script).toMatchObject({ encoding: 'br', cache: 'public, max-age=31536000, immutable' });
  await endWell(watched);
});
