/** What the compiler and the linter cannot see: which folder may import which, and what no file may use. */
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { conclude, filesBelow, ROOT } from './files.mjs';

const MOST_LINES = 300;

/** Each with where it is allowed. */
const BANNED = [
  {
    text: /\.toLocale(Date|Time)?String\(|Intl\.DateTimeFormat|getTimezoneOffset|\.get(Hours|Date|Month|FullYear)\(/,
    why: 'the zone of the browser; use shared/lib/time',
  },
  { text: /\.toFixed\(|parseFloat\(/, why: 'floats; use shared/lib/money' },
  {
    text: /\blocalStorage\b|\bsessionStorage\b|\bindexedDB\b/,
    why: 'storage of the browser; use shared/lib/preferences',
    allowed: /^src\/shared\/lib\/preferences/,
  },
  { text: /dangerouslySetInnerHTML|\.innerHTML\b/, why: 'markup from data' },
  { text: /\bas any\b|@ts-ignore/, why: 'a way around the types' },
  { text: /https?:\/\/(?!127\.0\.0\.1|localhost)/, why: 'an address outside', allowed: /\.test\.tsx?$/ },
];

/** The part of the source that a path belongs to: `shared`, `api`, `app`, or `features/orders`. */
function partOf(path) {
  const [, area, feature] = path.split('/');
  return area === 'features' ? `features/${feature}` : area;
}

function mayImport(from, to, target) {
  const [source, wanted] = [partOf(from), partOf(to)];
  if (source === wanted || from === 'src/main.tsx') return true;
  if (wanted.startsWith('features/'))
    return /^src\/features\/[^/]+(\/index)?$/.test(target) && source !== 'shared' && source !== 'api';
  if (wanted === 'shared') return true;
  if (wanted === 'api') return source === 'shared' ? target === 'src/api/problem' : true;
  if (wanted === 'app')
    return (
      source.startsWith('features/') && /^src\/app\/(session\/|feature$|guarded-page$|part$|shell-route$)/.test(target)
    );
  return false;
}

const faults = [];
for (const file of await filesBelow('src')) {
  if (!/\.tsx?$/.test(file) || file === 'src/api/schema.d.ts') continue;
  const text = await readFile(join(ROOT, file), 'utf8');
  const test = /\.test\.tsx?$/.test(file);
  const lines = text.split('\n').length;
  if (lines > MOST_LINES) faults.push(`${file} has ${lines} lines; ${MOST_LINES} are the most`);
  for (const { text: banned, why, allowed } of BANNED) {
    if (test || allowed?.test(file)) continue;
    const found = banned.exec(text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''));
    if (found) faults.push(`${file} uses \`${found[0]}\`: ${why}`);
  }
  for (const [, wanted] of text.matchAll(/(?:from|import\()\s*'(@\/[^']+|\.{1,2}\/[^']+)'/g)) {
    const target = wanted.startsWith('@/') ? `src/${wanted.slice(2)}` : normalize(join(dirname(file), wanted));
    if (!target.startsWith('src/')) continue;
    if (!mayImport(file, target, target)) faults.push(`${file} imports ${target}, which it may not know`);
  }
}
conclude('imports point down, nothing forbidden is used', faults);
