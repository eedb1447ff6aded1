import { mergeConfig } from 'vite';
import { defineConfig } from 'vitest/config';
import vite from './vite.config.ts';

/** Unit and component tests run under a clock far from Beijing, so that a browser's zone would show. */
process.env.TZ = process.env.TZ_UNDER_TEST ?? 'America/New_York';

export default mergeConfig(
  vite,
  defineConfig({
    test: {
      environment: 'happy-dom',
      include: ['src/**/*.test.{ts,tsx}', 'tests/**/*.test.{ts,tsx}', 'scripts/**/*.test.mjs'],
      setupFiles: ['tests/setup.ts'],
      restoreMocks: true,
      testTimeout: 15_000,
      css: false,
    },
  }),
);
