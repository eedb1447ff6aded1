/** Staff and members of tenants: what they call through the API, and how the owner brings new ones. */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { inject } from 'vitest';
import { contextFor } from './browser';
import type { Person } from './facts';
import { codeAt } from './totp';

const STEP_MS = 30_000;
const PASSWORD = 'a long way to the river';

/** An answer of the admin API. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: a flow reads a field or two of what the contract tests check whole.
  readonly body: any;
}

/** Somebody who came by invitation. */
export interface NewPerson extends Person {
  readonly id: string;
  readonly recovery_codes: readonly string[];
  /** Good for some minutes. */
  readonly token: string;
}

interface Call {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** The address that it comes from. */
  readonly from?: string;
}

/** Calls the admin API. */
export function call(method: string, path: string, given: Call = {}): Promise<Answer> {
  const { token, body, headers, from } = given;
  const url = new URL(path, inject('facts').api_url);
  const options = {
    method,
    localAddress: from,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    const asked = request(url, options, (answer) => {
      answer.setEncoding('utf8');
      let read = '';
      answer.on('data', (part) => {
        read += part;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: read && JSON.parse(read) }),
      );
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

let machines = 1;

/** An address of loopback that nobody had: tries to sign in are counted by address, and few are let through a minute. */
function newMachine(): string {
  machines += 1;
  return `127.0.0.${machines}`;
}

async function expectOk(method: string, path: string, given?: Call): Promise<Answer['body']> {
  const { status, body } = await call(method, path, given);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** Token and proof are good for five minutes; each proof counts as a try to sign in, of which there are few a minute. */
const GOOD_MS = 150_000;
const proofs = new Map<string, { readonly at: number; readonly token: Promise<string> }>();

/** A token of the session that a person has in the browser, with a fresh proof, so that flows need not give one. */
export function proven(person: Person): Promise<string> {
  const known = proofs.get(person.email);
  if (known && Date.now() - known.at < GOOD_MS) return known.token;
  const token = prove(person);
  proofs.set(person.email, { at: Date.now(), token });
  token.catch(() => proofs.delete(person.email));
  return token;
}

async function prove(person: Person): Promise<string> {
  const context = await contextFor(person);
  const page = await context.newPage();
  // Any file of ours: the renewal goes by the cookie, and the browser keeps the next one.
  await page.goto(`${inject('facts').api_url}/admin/icon.svg`);
  const token = await page.evaluate(async () => {
    const csrf = /__Host-tributary-csrf=([^;]+)/.exec(document.cookie)?.[1] ?? '';
    const answer = await fetch('/admin/v1/session/refresh', { method: 'POST', headers: { 'X-CSRF-Token': csrf } });
    return ((await answer.json()) as { access_token: string }).access_token;
  });
  await page.close();
  await expectOk('POST', '/admin/v1/session/step-up', { token, body: { password: person.password } });
  return token;
}

/** What the owner does through the API. */
export async function asOwner(method: string, path: string, body?: unknown): Promise<Answer['body']> {
  return expectOk(method, path, { token: await proven(inject('facts').owner), body });
}

/** Invites somebody, who comes, chooses a password, and binds a telephone where the roles need one. */
export async function newPerson(roles: readonly string[], tenantId?: string): Promise<NewPerson> {
  const email = `${roles[0]}-${randomUUID().slice(0, 8)}@example.com`;
  const wish = { email, name: `Test ${roles[0]}`, roles, ...(tenantId && { tenant_id: tenantId }) };
  const { invitation_token } = await asOwner('POST', '/admin/v1/staff', wish);
  const taken = { token: invitation_token, password: PASSWORD };
  const from = newMachine();
  const { id } = await expectOk('POST', '/admin/v1/invitations/accept', { body: taken, from });
  const shown = { email, password: PASSWORD };
  const session = await expectOk('POST', '/admin/v1/session', { body: shown, from });
  const person = { id, email, password: PASSWORD, token: session.access_token as string };
  if (!session.second_factor_enrolment_required) return { ...person, recovery_codes: [] };
  const { secret } = await expectOk('POST', '/admin/v1/me/totp', { token: person.token, from });
  const code = codeAt(secret, Math.floor(Date.now() / STEP_MS));
  const confirmed = await expectOk('POST', '/admin/v1/me/totp/confirm', { token: person.token, body: { code }, from });
  return { ...person, totp_secret: secret, recovery_codes: confirmed.recovery_codes };
}
