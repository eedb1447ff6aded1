/** One delivery, sent again. */
import { expect, inject, it } from 'vitest';
import { clicksOf, endWell, openAs } from '../browser';
import { paidOrder } from '../demo';
import { asOwner } from '../people';

const { owner } = inject('facts');
const TOLD_MS = 20_000;

async function deliveryOf(orderId: string): Promise<{ id: string; attempts: number }> {
  const told = { id: '', attempts: 0 };
  await expect
    .poll(
      async () => {
        const { data } = await asOwner('GET', `/admin/v1/deliveries?mode=test&order_id=${orderId}`);
        Object.assign(
          told,
          data.find((each: { event_type: string }) => each.event_type === 'order.paid'),
        );
        return told.attempts;
      },
      { timeout: TOLD_MS, interval: 1_000 },
    )
    .toBeGreaterThan(0);
  return told;
}

it('replays one delivery within three clicks, under the same event, and keeps both attempts', async () => {
  const { id } = await deliveryOf((await paidOrder(888)).id);
  const watched = await openAs(owner, `/deliveries/${id}`);
  const { page } = watched;
  await page.getByRole('button', { name: '重放' }).waitFor();
  const event = await page.getByText(/^evt_/).first().textContent();
  const clicks = await clicksOf(page, async () => {
    await page.getByRole('button', { name: '重放' }).click();
    await page.getByText(/租户应按 webhook-id 去重/).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: '重放' }).click();
    await page.getByText('已重新投递').waitFor();
  });
  expect(clicks).toBeLessThanOrEqual(3);
  await expect
    .poll(async () => (await asOwner('GET', `/admin/v1/deliveries/${id}`)).attempts.length, { timeout: TOLD_MS })
    .toBe(2);
  await page.reload();
  await page
    .getByText(event ?? 'no event')
    .first()
    .waitFor();
  await endWell(watched);
});
