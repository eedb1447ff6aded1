import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProblemError } from './problem';
import { callWith, send } from './transport';

const calls: Request[] = [];
let answers: Response[] = [];
const session = { renewed: 0, ended: 0, steps: 0, token: 'old' as string | undefined, renews: true, givesFactor: true };

function problem(status: number, code: string): Response {
  return new Response(JSON.stringify({ status, code, title: code }), { status });
}

beforeEach(() => {
  calls.length = 0;
  Object.assign(session, { renewed: 0, ended: 0, steps: 0, token: 'old', renews: true, givesFactor: true });
  vi.stubGlobal('fetch', async (request: Request) => {
    calls.push(request);
    const answer = answers.shift();
    if (!answer) throw new TypeError('Failed to fetch');
    return answer;
  });
  callWith({
    token: async () => session.token,
    renew: async () => {
      session.renewed += 1;
      if (session.renews) session.token = 'new';
      return session.renews;
    },
    stepUp: async () => {
      session.steps += 1;
      return session.givesFactor;
    },
    ended: () => {
      session.ended += 1;
    },
  });
});

afterEach(() => vi.unstubAllGlobals());

function post(): Request {
  return new Request('http://localhost/admin/v1/x', {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'Idempotency-Key': 'k' },
  });
}

it('carries the access token in a header', async () => {
  answers = [new Response('{}')];
  await send(post());
  expect(calls[0]?.headers.get('Authorization')).toBe('Bearer old');
});

it('renews an access token that ended, once, and sends the same body and key again', async () => {
  answers = [problem(401, 'token_expired'), new Response('{}')];
  await send(post());
  expect(calls.map((call) => call.headers.get('Authorization'))).toEqual(['Bearer old', 'Bearer new']);
  expect(calls.map((call) => call.headers.get('Idempotency-Key'))).toEqual(['k', 'k']);
  expect(await calls[1]?.text()).toBe('{"a":1}');
});

it('says that the session is over when it cannot be renewed', async () => {
  session.renews = false;
  answers = [problem(401, 'token_expired')];
  await expect(send(post())).rejects.toThrow(ProblemError);
  expect([session.renewed, session.ended, calls.length]).toEqual([1, 1, 1]);
});

it('asks for a second factor where the server wants a fresh one, and then acts once', async () => {
  answers = [problem(403, 'step_up_required'), new Response('{}')];
  await send(post());
  expect([session.steps, calls.length]).toEqual([1, 2]);
});

it('does not act when the second factor is not given', async () => {
  session.givesFactor = false;
  answers = [problem(403, 'step_up_required')];
  await expect(send(post())).rejects.toMatchObject({ problem: { code: 'step_up_required' } });
  expect(calls).toHaveLength(1);
});

it('never repeats a write of which no answer came', async () => {
  answers = [];
  await expect(send(post())).rejects.toMatchObject({ problem: { status: 0, code: 'no_answer' } });
  expect(calls).toHaveLength(1);
});
