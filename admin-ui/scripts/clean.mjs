/** Empties dist but for the file that keeps the folder in the repository. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './files.mjs';

const folder = join(ROOT, 'dist');
for (const name of await readdir(folder).catch(() => []))
  if (name !== '.gitignore') await rm(join(folder, name), { recursive: true });
