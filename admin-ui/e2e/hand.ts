/** How a person does a task: with the pointer, or with keys alone. The steps are the same, so that one table holds for both. */
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** Tab comes round on every page within so many stops. */
const MOST_STOPS = 300;

/** One way to act. */
export interface Hand {
  readonly page: Page;
  /** Presses a button, a link or a tab; a shortcut, where there is one, is what keys use. */
  readonly press: (target: Locator, shortcut?: string) => Promise<void>;
  /** Writes into a field; typing and pasting are free. */
  readonly type: (field: Locator, text: string) => Promise<void>;
  /** Looks something up from wherever one is, and opens what is found. */
  readonly find: (text: string, option: RegExp) => Promise<void>;
  /** Gives files. */
  readonly give: (button: Locator, paths: readonly string[]) => Promise<void>;
}

const FIELD = '搜索单号、商户、命令';

/** Clicks. */
export function pointer(page: Page): Hand {
  return {
    page,
    press: (target) => target.click(),
    type: (field, text) => field.fill(text),
    find: async (text, option) => {
      await page.getByRole('button', { name: FIELD }).click();
      await page.getByRole('combobox', { name: FIELD }).fill(text);
      await page.getByRole('option', { name: option }).first().click();
    },
    give: async (button, paths) => {
      const chooser = page.waitForEvent('filechooser');
      await button.click();
      await (await chooser).setFiles([...paths]);
    },
  };
}

/** Presses keys, and nothing else. */
export function keys(page: Page): Hand {
  const press = async (target: Locator, shortcut?: string) => {
    await target.first().waitFor();
    if (shortcut !== undefined) {
      for (const key of shortcut.split(' ')) await page.keyboard.press(key);
      return;
    }
    if ((await target.first().getAttribute('role')) === 'tab') await goToTab(page, target.first());
    else await goTo(page, target.first());
    await page.keyboard.press('Enter');
  };
  return {
    page,
    press,
    type: async (field, text) => {
      await field.waitFor();
      await goTo(page, field);
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText(text);
    },
    find: async (text, option) => {
      await page.keyboard.press('Control+k');
      await expectFocus(page.getByRole('combobox', { name: FIELD }));
      await page.keyboard.insertText(text);
      await page.getByRole('option', { name: option }).first().waitFor();
      await expect
        .poll(() => page.getByRole('option', { selected: true }).textContent(), { message: 'the first is chosen' })
        .toMatch(option);
      await page.keyboard.press('Enter');
    },
    give: async (button, paths) => {
      const chooser = page.waitForEvent('filechooser');
      await press(button);
      await (await chooser).setFiles([...paths]);
    },
  };
}

function isFocused(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element === document.activeElement);
}

async function expectFocus(target: Locator): Promise<void> {
  await target.waitFor();
  await expect.poll(() => isFocused(target)).toBe(true);
}

async function goTo(page: Page, target: Locator): Promise<void> {
  for (let stops = 0; stops < MOST_STOPS; stops += 1) {
    if (await isFocused(target)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('Tab never came there');
}

/** Among tabs the arrows lead on. */
async function goToTab(page: Page, target: Locator): Promise<void> {
  await goTo(page, page.getByRole('tab', { selected: true }).first());
  for (let steps = 0; steps < MOST_STOPS; steps += 1) {
    if (await isFocused(target)) return;
    await page.keyboard.press('ArrowRight');
  }
  throw new Error('the arrows never came there');
}
