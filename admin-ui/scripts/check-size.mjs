/** Fails when dist weighs more than its budget; sizes are of the gzip forms, in KB of 1,000 bytes. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { conclude, filesBelow, ROOT } from './files.mjs';

const LIMITS = { first: 420, css: 115, route: 60, chart: 185, all: 4_000 };

const manifest = JSON.parse(await readFile(join(ROOT, 'dist/manifest.json'), 'utf8'));
const entry = Object.values(manifest).find((chunk) => chunk.isEntry);

/** The chunks that the browser loads before the first page. */
function firstLoad(chunk, found = new Set()) {
  if (!found.has(chunk.file)) {
    found.add(chunk.file);
    for (const key of chunk.imports ?? []) firstLoad(manifest[key], found);
  }
  return found;
}

async function gzipKilobytes(file) {
  return gzipSync(await readFile(join(ROOT, 'dist', file)), { level: 9 }).length / 1_000;
}

const faults = [];
function weigh(name, kilobytes, limit) {
  const line = `${name}: ${Math.round(kilobytes)} KB of ${limit} KB`;
  console.log(line);
  if (kilobytes > limit) faults.push(line);
}

let first = 0;
const before = firstLoad(entry);
for (const file of before) first += await gzipKilobytes(file);
weigh('first load, JavaScript, gzip', first, LIMITS.first);

let css = 0;
for (const file of new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? [])))
  css += await gzipKilobytes(file);
weigh('CSS, gzip', css, LIMITS.css);

let largest = { name: '', kilobytes: 0 };
for (const chunk of Object.values(manifest)) {
  if (!chunk.file.endsWith('.js') || before.has(chunk.file)) continue;
  const kilobytes = await gzipKilobytes(chunk.file);
  if (chunk.name === 'engine') weigh('charts, gzip', kilobytes, LIMITS.chart);
  else if (kilobytes > largest.kilobytes) largest = { name: chunk.name, kilobytes };
}
weigh(`largest other chunk (${largest.name}), gzip`, largest.kilobytes, LIMITS.route);

let all = 0;
for (const file of await filesBelow('dist'))
  if (!/\.(gz|br)$/.test(file)) all += (await stat(join(ROOT, file))).size / 1_000;
weigh('all files, raw', all, LIMITS.all);

conclude('sizes are within their budgets', faults);
