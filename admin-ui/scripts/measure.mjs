/**
 * Measures the console on this machine and prints the table: sizes of dist, times of build, tests and installation, and times in
 * Chromium against the program that `cargo build` made. Nothing fails here for being slow; `check-size` and the flows judge.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './files.mjs';

const INSTALLED_BY = ['package.json', 'package-lock.json', '.npmrc'];

/** Runs a command; answers what it said and how long it took, in seconds. */
function run(command, args, folder = ROOT) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
    let said = '';
    const hear = (part) => {
      said += part;
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = (performance.now() - began) / 1_000;
      if (code === 0) resolve({ said, seconds });
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said.slice(-2_000)}`));
    });
  });
}

const rows = [];
const add = (what, value, limit, unit) => rows.push(`| ${what} | ${limit} ${unit} | ${value} ${unit} |`);
const seconds = (took) => Math.round(took.seconds * 10) / 10;

const build = await run('npm', ['run', '--silent', 'build']);
for (const [, what, size, limit] of build.said.matchAll(/^(.+): (\d+) KB of (\d+) KB$/gm)) add(what, size, limit, 'KB');
add('build, compressed and weighed', seconds(build), 15, 's');
add('unit and component tests', seconds(await run('npx', ['vitest', 'run'])), 30, 's');

const folder = await mkdtemp(join(tmpdir(), 'tributary-install-'));
for (const file of INSTALLED_BY) await copyFile(join(ROOT, file), join(folder, file));
add('clean installation', seconds(await run('npm', ['ci', '--no-audit', '--no-fund'], folder)), 60, 's');
await rm(folder, { recursive: true });

const browser = await run('npx', ['vitest', 'run', '--config', 'vitest.e2e.config.ts', '--mode', 'measure']);
for (const [, line] of browser.said.matchAll(/^MEASURED (.+)$/gm)) {
  const { what, value, limit, unit } = JSON.parse(line);
  add(what, value, limit, unit);
}
add('requests to other hosts', 0, 0, '');

console.log(['| | limit | measured |', '|---|---|---|', ...rows].join('\n'));
