/**
 * One line to the server on which it names what changed, in place of asking again and again. While the line cannot be held,
 * pages ask by themselves: `useAskedEvery` says how often.
 */
import { useSyncExternalStore } from 'react';
import { readEvents, type ServerEvent } from './event-stream';
import { problemOf } from './problem';
import { send } from './transport';

const PATH = '/admin/v1/events';
/** The server says something every two seconds, if only that nothing changed. */
const SILENCE_MS = 15_000;
/** The server ends each line after some minutes; the next one follows at once. */
const SOON_MS = 250;
/** A line that ends sooner was refused. */
const SHORT_MS = 5_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** What is told to whoever holds the line. */
export interface LiveListener {
  /** The line is there, for the first time or again: what happened before was not told. */
  readonly onHeld: () => void;
  readonly onEvent: (event: ServerEvent) => void;
}

let held = false;
const listeners = new Set<() => void>();

function become(next: boolean): void {
  if (held === next) return;
  held = next;
  for (const listener of listeners) listener();
}

function follow(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** How often a page asks by itself for what the line tells: never while it is held. */
export function useAskedEvery(ms: number): number | false {
  return useSyncExternalStore(follow, () => held) ? false : ms;
}

/** Holds the line until the returned function is called. */
export function holdLine(listener: LiveListener): () => void {
  const leaving = new AbortController();
  void hold(listener, leaving.signal);
  return () => {
    leaving.abort();
    become(false);
  };
}

async function hold(listener: LiveListener, leaving: AbortSignal): Promise<void> {
  let failures = 0;
  while (!leaving.aborted) {
    const began = Date.now();
    const refused = await listen(listener, leaving).then(
      () => false,
      (thrown) => problemOf(thrown).status === 403,
    );
    if (leaving.aborted) return;
    failures = Date.now() - began < SHORT_MS ? failures + 1 : 0;
    if (failures > 0) become(false);
    if (refused) return;
    await pause(failures === 0 ? SOON_MS : pauseAfter(failures), leaving);
  }
}

/** Longer after each failure, and never the same for all pages that lost the line at once. */
function pauseAfter(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return longest * (0.5 + Math.random() / 2);
}

/** One line, from its beginning to its end. */
async function listen({ onHeld, onEvent }: LiveListener, leaving: AbortSignal): Promise<void> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  const signal = AbortSignal.any([leaving, silent.signal]);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), SILENCE_MS);
  };
  try {
    const url = `${globalThis.location.origin}${PATH}`;
    const { body } = await send(new Request(url, { headers: { Accept: 'text/event-stream' }, signal }));
    if (!body || signal.aborted) return;
    heard();
    become(true);
    onHeld();
    await readEvents(body, onEvent, heard);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number, leaving: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    leaving.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
