import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The nonce that the server replaces in every answer; see crates/server, `console`. */
const NONCE = '__TRIBUTARY_NONCE__';

export default defineConfig({
  base: '/admin/',
  plugins: [react()],
  resolve: {
    alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) },
    // A second copy of React, wherever it may lie, ends in an empty page.
    dedupe: ['react', 'react-dom'],
  },
  html: { cspNonce: NONCE },
  build: {
    target: 'es2022',
    // The folder itself is in the repository; scripts/clean.mjs empties it.
    emptyOutDir: false,
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2_000,
    manifest: 'manifest.json',
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/admin/v1': { target: process.env.TRIBUTARY_URL ?? 'http://127.0.0.1:8080' } },
  },
});
