/** Writes src/api/schema.d.ts from openapi/admin.json; with `--check` it only compares, and fails on a difference. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const document = process.env.ADMIN_DOCUMENT ?? fileURLToPath(new URL('../../openapi/admin.json', import.meta.url));
const target = fileURLToPath(new URL('../src/api/schema.d.ts', import.meta.url));

const schema = JSON.parse(await readFile(document, 'utf8'));
const types = astToString(await openapiTS(schema, { rootTypes: false }));
const text = `/** Written by \`npm run gen-api\` from openapi/admin.json. Never edited. */\n${types}`;

if (process.argv.includes('--check')) {
  const kept = await readFile(target, 'utf8').catch(() => '');
  if (kept !== text) {
    console.error(
      'src/api/schema.d.ts is not what openapi/admin.json says: run `npm run gen-api` and mend what no longer compiles.',
    );
    process.exit(1);
  }
  console.log('ok src/api/schema.d.ts agrees with openapi/admin.json');
} else {
  await writeFile(target, text);
  console.log(`wrote ${target}`);
}
