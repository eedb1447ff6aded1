import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Flows in Debian's Chromium against the real binary: one file after another, because they share one server. */
export default defineConfig({
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  test: {
    include: ['e2e/**/*.e2e.ts'],
    globalSetup: ['e2e/global-setup.ts'],
    fileParallelism: false,
    // One browser and one session for all files: signing in takes a code, and a code is good once in half a minute.
    isolate: false,
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
