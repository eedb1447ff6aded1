/** Puts a gzip and a brotli form beside each text file of dist, so that the server never compresses. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { filesBelow, ROOT } from './files.mjs';

const LEAST_BYTES = 1_024;

for (const file of await filesBelow('dist')) {
  // index.html gets a nonce in every answer, so it cannot be compressed beforehand.
  if (!/\.(js|css|svg)$/.test(file)) continue;
  const content = await readFile(join(ROOT, file));
  if (content.length < LEAST_BYTES) continue;
  await writeFile(join(ROOT, `${file}.gz`), gzipSync(content, { level: 9 }));
  const parameters = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await writeFile(join(ROOT, `${file}.br`), brotliCompressSync(content, { params: parameters }));
}
