/** What people come for, within its clicks, and by keys alone. */
import { afterAll, expect, inject, it } from 'vitest';
import { clicksOf, endWell, openAs } from '../browser';
import { keys, pointer } from '../hand';
import { proven } from '../people';
import { TASKS, type Task } from '../tasks';

const { owner } = inject('facts');
const TASK_MS = 150_000;
const taken: { number: number; task: string; clicks: number; most: number }[] = [];

async function done({ prepare }: Task, by: typeof pointer): Promise<number> {
  const { start, steps, after } = await prepare();
  await proven(owner);
  const watched = await openAs(owner, start);
  await watched.page.getByRole('heading', { level: 1 }).waitFor();
  const clicks = await clicksOf(watched.page, () => steps(by(watched.page)));
  await endWell(watched);
  await after?.();
  return clicks;
}

it.each(TASKS)('$number: $task within $clicks clicks', { timeout: TASK_MS }, async (task) => {
  const clicks = await done(task, pointer);
  taken.push({ number: task.number, task: task.task, clicks, most: task.clicks });
  expect(clicks).toBeLessThanOrEqual(task.clicks);
});

it.each(TASKS)('$number: $task by keys alone', { timeout: TASK_MS }, async (task) => {
  expect(await done(task, keys)).toBe(0);
});

afterAll(() => {
  const rows = taken.map(({ number, task, clicks, most }) => `${number}. ${task}: ${clicks} of ${most} clicks`);
  console.log(rows.join('\n'));
});
