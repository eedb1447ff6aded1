/** Starts the real program with its simulator once for all flows, in a folder of its own on free ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import type { DevFacts } from './facts';

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;
const LOOK_MS = 100;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function program(): string {
  const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url));
  const path = process.env.TRIBUTARY_PROGRAM ?? join(target, 'debug/tributary');
  if (!existsSync(path)) throw new Error(`${path} is not there: build it first (cargo build --bin tributary)`);
  return path;
}

/** Without the built pages every flow would wait for a sign-in that never comes. */
async function expectPages({ api_url }: DevFacts): Promise<void> {
  const icon = await fetch(`${api_url}/admin/icon.svg`);
  if (!icon.ok) throw new Error('the program has no admin UI: npm run build, and build it again');
}

async function ready(started: ChildProcess, file: string, log: string): Promise<DevFacts> {
  const deadline = Date.now() + READY_LIMIT_MS;
  while (Date.now() < deadline) {
    if (started.exitCode !== null) throw new Error(`the program ended with ${started.exitCode}; see ${log}`);
    try {
      const facts = JSON.parse(await readFile(file, 'utf8')) as DevFacts;
      if ((await fetch(`${facts.api_url}/readyz`)).ok) return facts;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`the program was not ready within ${READY_LIMIT_MS} ms; see ${log}`);
}

async function stop(started: ChildProcess): Promise<void> {
  if (started.exitCode !== null) return;
  const ended = new Promise((resolve) => started.once('exit', resolve));
  started.kill('SIGTERM');
  const late = setTimeout(() => started.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(late);
}

/** Gives the facts to every flow, and stops the program at the end. */
export default async function setup(project: TestProject) {
  if (process.env.TRIBUTARY_DEV_JSON) {
    project.provide('facts', JSON.parse(await readFile(process.env.TRIBUTARY_DEV_JSON, 'utf8')));
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'tributary-ui-'));
  const logFile = process.env.TRIBUTARY_E2E_LOG ?? join(folder, 'dev.log');
  const log = await open(logFile, 'w');
  const started = spawn(program(), ['dev', '--no-demo-data', '--data-dir', folder], {
    cwd: folder,
    stdio: ['ignore', log.fd, log.fd],
    env: {
      ...process.env,
      TRIBUTARY_LISTEN: `127.0.0.1:${await freePort()}`,
      TRIBUTARY_SIM_LISTEN: `127.0.0.1:${await freePort()}`,
    },
  });
  try {
    const facts = await ready(started, join(folder, 'dev.json'), logFile);
    await expectPages(facts);
    project.provide('facts', facts);
  } catch (fault) {
    await stop(started);
    throw fault;
  }
  return async () => {
    await stop(started);
    await log.close();
    await rm(folder, { recursive: true, force: true });
  };
}
