/** Words belong to dictionaries: no Chinese in components, no Chinese in English, no key that nobody uses. */
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { conclude, filesBelow, ROOT } from './files.mjs';

const CHINESE = /[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]/;
/** Names that are the same in every language. */
const NAMES = /支流|中文|\[测试\]/g;
/** The Chinese of sentences whose English the server writes. */
const HALF_DICTIONARIES = new Set(['src/features/orders/entry-words.ts']);

const faults = [];
const files = (await filesBelow('src')).filter(
  (file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$|schema\.d\.ts$/.test(file),
);
const texts = new Map();
for (const file of files) texts.set(file, await readFile(join(ROOT, file), 'utf8'));

for (const [file, text] of texts) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').replace(NAMES, '');
  if (code.includes('dictionary(')) checkDictionary(file, code);
  else if (!file.startsWith('src/shared/lib/') && !HALF_DICTIONARIES.has(file))
    for (const line of code.split('\n'))
      if (CHINESE.test(line.replace(/\bzh: *(['"`]).*?\1/g, '').replace(/\/[^/]*\/[gu]*/g, '')))
        faults.push(`${file} has words outside of a dictionary: ${line.trim()}`);
}

function checkDictionary(file, code) {
  const [, zh = '', en = ''] = /dictionary\(\s*\{([\s\S]*?)\n? *\},\s*\{([\s\S]*?)\n? *\},?\s*\)/.exec(code) ?? [];
  if (CHINESE.test(en)) faults.push(`${file} has Chinese in its English texts`);
  const module = file.replace(/\.tsx?$/, '');
  const users = [...texts]
    .filter(([other, text]) => importsOf(other, text).includes(module))
    .map(([, text]) => text)
    .join('\n');
  const dynamic = [...users.matchAll(/t\(`(\w+_)\$\{/g)].map(([, prefix]) => prefix);
  for (const [, key] of zh.matchAll(/(?:^|[{,\n])\s*'?([\w.]+)'?:\s*['"`]/g))
    if (!dynamic.some((prefix) => key.startsWith(prefix)) && !new RegExp(`['"\`]${key}['"\`]|\\b${key}\\b`).test(users))
      faults.push(`${file} has the key \`${key}\`, which nobody uses`);
}

function importsOf(file, text) {
  return [...text.matchAll(/from\s*'(@\/[^']+|\.{1,2}\/[^']+)'/g)].map(([, wanted]) =>
    wanted.startsWith('@/') ? `src/${wanted.slice(2)}` : normalize(join(dirname(file), wanted)),
  );
}

conclude('words are where they belong', faults);
