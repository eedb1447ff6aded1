import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useAskedEvery } from '@/api/live';
import { callWith } from '@/api/transport';
import { LiveUpdates } from './live-updates';
import type { Me } from './session/session';
import { MeContext } from './session/use-session';

vi.mock('./session/session', () => ({
  followSession: () => () => undefined,
  sessionState: () => SIGNED_IN,
}));
const SIGNED_IN = vi.hoisted(() => ({ kind: 'signed_in' }));
const ME = { permissions: ['order:read'] } as unknown as Me;

/** The lines that pages asked for, each with what it can be told. */
interface Line {
  readonly request: Request;
  readonly say: (text: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

let lines: Line[] = [];
let refuses: number | undefined;
let hidden = false;

function answer(request: Request): Response {
  if (refuses !== undefined) return new Response('{}', { status: refuses });
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  request.signal.addEventListener('abort', () => controller?.error(new DOMException('gone', 'AbortError')));
  const settle = () => act(() => vi.advanceTimersByTimeAsync(1));
  lines.push({
    request,
    say: async (text) => {
      controller?.enqueue(new TextEncoder().encode(text));
      await settle();
    },
    end: async () => {
      controller?.close();
      await settle();
    },
  });
  return new Response(body);
}

beforeEach(() => {
  lines = [];
  refuses = undefined;
  hidden = false;
  vi.useFakeTimers();
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden);
  vi.stubGlobal('fetch', async (request: Request, init?: RequestInit) =>
    answer(new Request(request, { signal: init?.signal ?? undefined })),
  );
  callWith({ token: async () => 'token', renew: async () => false, stepUp: async () => false, ended: () => undefined });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const asked = { order: 0, other: 0, list: 0 };

function One({ name, path, id }: { name: keyof typeof asked; path: string; id?: string }) {
  useQuery({
    queryKey: ['get', path, id ? { params: { path: { order_id: id } } } : {}],
    queryFn: () => {
      asked[name] += 1;
      return asked[name];
    },
  });
  return null;
}

function Asking() {
  return <p>{String(useAskedEvery(5_000))}</p>;
}

const passes = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

async function open() {
  Object.assign(asked, { order: 0, other: 0, list: 0 });
  const opened = render(
    <MeContext value={ME}>
      <QueryClientProvider client={new QueryClient()}>
        <LiveUpdates />
        <One name="order" path="/admin/v1/orders/{order_id}" id="ord_1" />
        <One name="other" path="/admin/v1/orders/{order_id}" id="ord_2" />
        <One name="list" path="/admin/v1/orders" />
        <Asking />
      </QueryClientProvider>
    </MeContext>,
  );
  await passes(10);
  return opened;
}

const changed = (id: string) => `event: changed\ndata: ${JSON.stringify({ kind: 'order', id })}\n\n`;

it('reads again what the server names, at once, and nothing else', async () => {
  await open();
  expect(lines).toHaveLength(1);
  expect(lines[0]?.request.headers.get('Authorization')).toBe('Bearer token');
  await lines[0]?.say(changed('ord_1'));
  await passes(10);
  expect(asked).toEqual({ order: 2, other: 1, list: 2 });
});

it('reads a list again now and then, however much happens', async () => {
  await open();
  for (let said = 0; said < 20; said += 1) {
    await lines[0]?.say(changed(`ord_${said}`));
    await passes(100);
  }
  expect(asked.list).toBe(2);
  await passes(5_000);
  expect(asked.list).toBe(3);
});

it('lets pages ask by themselves only while there is no line', async () => {
  refuses = 503;
  await open();
  expect(screen.getByText('5000')).toBeInTheDocument();
  refuses = undefined;
  await passes(1_500);
  expect(lines).toHaveLength(1);
  expect(screen.getByText('false')).toBeInTheDocument();
});

it('tries again ever more slowly, and never again where it is not allowed', async () => {
  refuses = 503;
  await open();
  const fetch = vi.spyOn(globalThis, 'fetch');
  await passes(60_000);
  expect(fetch.mock.calls.length).toBeLessThanOrEqual(8);
  refuses = 403;
  await passes(120_000);
  const before = fetch.mock.calls.length;
  await passes(600_000);
  expect(fetch.mock.calls.length).toBe(before);
});

it('follows a line that ended with another, and reads again what was missed between them', async () => {
  await open();
  await passes(6_000);
  await lines[0]?.say(': nothing\n\n');
  await lines[0]?.end();
  await passes(300);
  expect(lines).toHaveLength(2);
  expect(screen.getByText('false')).toBeInTheDocument();
  expect(asked).toEqual({ order: 2, other: 2, list: 2 });
});

it('takes a silent line for a broken one', async () => {
  await open();
  await passes(16_000);
  expect(lines[0]?.request.signal.aborted).toBe(true);
  expect(lines).toHaveLength(2);
});

it('lets the line go while nobody sees the page', async () => {
  await open();
  hidden = true;
  act(() => document.dispatchEvent(new Event('visibilitychange')));
  await passes(10);
  expect(lines[0]?.request.signal.aborted).toBe(true);
  await passes(60_000);
  expect(lines).toHaveLength(1);
  hidden = false;
  act(() => document.dispatchEvent(new Event('visibilitychange')));
  await passes(10);
  expect(lines).toHaveLength(2);
  expect(asked).toEqual({ order: 2, other: 2, list: 2 });
});

it('ends with the page', async () => {
  const { unmount } = await open();
  unmount();
  await passes(60_000);
  expect(lines.map(({ request }) => request.signal.aborted)).toEqual([true]);
});
