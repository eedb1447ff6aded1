import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Takes minutes and judges nothing; `npm run measure` runs it alone. */
const MEASURE = 'e2e/measure.e2e.ts';

/** Flows in Debian's Chromium against the real binary: one file after another, because they share one server. */
export default defineConfig(({ mode }) => ({
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  test: {
    include: mode === 'measure' ? [MEASURE] : ['e2e/**/*.e2e.ts'],
    exclude: mode === 'measure' ? [] : [MEASURE],
    globalSetup: ['e2e/global-setup.ts'],
    fileParallelism: false,
    // One browser and one session for all files: signing in takes a code, and a code is good once in half a minute.
    isolate: false,
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
}));
