/** Days are Beijing's, wherever the browser stands. */
import { expect, inject, it } from 'vitest';
import { endWell, openPage, signIn } from '../browser';
import { paidOrder } from '../demo';
import { newPerson } from '../people';

const { api_url } = inject('facts');

/** The last and the first moment around a midnight in Beijing, and how they must read. */
const MIDNIGHT = [
  ['2026-11-20T15:59:59.999Z', '2026-11-20 23:59:59'],
  ['2026-11-20T16:00:00.000Z', '2026-11-21 00:00:00'],
] as const;

it.each(['America/New_York', 'Pacific/Auckland'])('keeps the midnight of Beijing in %s', async (timezoneId) => {
  await paidOrder(100);
  const watched = await openPage({ timezoneId });
  const { page } = watched;
  await page.goto(`${api_url}/admin/`);
  await signIn(page, await newPerson(['auditor']));
  const asked: URLSearchParams[] = [];
  for (const [at, text] of MIDNIGHT) {
    await page.route('**/admin/v1/orders?*', async (route) => {
      asked.push(new URL(route.request().url()).searchParams);
      // Any order will do; only its time matters here.
      const answer = await route.fetch({ url: `${api_url}/admin/v1/orders?mode=test` });
      const list = (await answer.json()) as { data: { created_at: string }[] };
      await route.fulfill({ response: answer, json: { ...list, data: [{ ...list.data[0], created_at: at }] } });
    });
    await page.goto(`${api_url}/admin/orders?from=2026-11-20&to=2026-11-20`);
    await page.getByText(text).first().waitFor();
    await page.unroute('**/admin/v1/orders?*');
  }
  expect(asked.length).toBeGreaterThan(1);
  for (const query of asked) {
    expect(Date.parse(query.get('from') ?? '')).toBe(Date.parse('2026-11-19T16:00:00Z'));
    expect(Date.parse(query.get('to') ?? '')).toBe(Date.parse('2026-11-20T16:00:00Z'));
  }
  await endWell(watched);
});
