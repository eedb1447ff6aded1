/** Finds files below a folder, for the checks beside this file. */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder admin-ui. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Every file below a folder, as paths from admin-ui, with slashes. */
export async function filesBelow(folder) {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

/** Prints what was found and ends with its verdict. */
export function conclude(what, faults) {
  for (const fault of faults) console.error(`not ok ${fault}`);
  if (faults.length === 0) console.log(`ok ${what}`);
  process.exit(faults.length === 0 ? 0 : 1);
}
