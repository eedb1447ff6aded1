/** What an event of the server means for the answers that are kept. */
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import type { ServerEvent } from '@/api/event-stream';

/** Something changed: one object, or how much waits. */
export interface Hint {
  readonly about: 'order' | 'refund' | 'job' | 'inbox';
  readonly id?: string;
}

/** Lists are read again this often at most, however much happens. */
const LISTS_MS = 5_000;

/** Which answers show what, as paths of the API; a refund changes its order, and the hint does not say which. */
const SHOWN_BY: Record<Hint['about'], RegExp> = {
  order: /^\/admin\/v1\/(orders|late-payments)/,
  refund: /^\/admin\/v1\/(refunds|orders\/\{order_id\})/,
  job: /^\/admin\/v1\/jobs/,
  inbox: /^\/admin\/v1\/(inbox|alarms|late-payments|approvals)/,
};
const IDS: Partial<Record<Hint['about'], string>> = { order: 'order_id', refund: 'refund_id', job: 'job_id' };

/** Reads an event; what this page does not know is none of its business. */
export function hintOf({ event, data }: ServerEvent): Hint | undefined {
  try {
    const found = JSON.parse(data) as { kind?: unknown; id?: unknown };
    const id = typeof found.id === 'string' ? found.id : undefined;
    if (event === 'inbox') return { about: 'inbox' };
    if (event === 'job') return { about: 'job', id };
    if (event === 'changed' && (found.kind === 'order' || found.kind === 'refund')) return { about: found.kind, id };
  } catch {
    // No event of ours is anything but JSON.
  }
  return undefined;
}

function pathOf(key: QueryKey): string {
  return typeof key[1] === 'string' ? key[1] : '';
}

function idIn(key: QueryKey, name: string): unknown {
  const asked = key[2] as { params?: { path?: Record<string, unknown> } } | undefined;
  return asked?.params?.path?.[name];
}

/** Whether an answer shows one object, rather than a list. */
function isOfOne(key: QueryKey): boolean {
  return pathOf(key).includes('{');
}

/** Whether an answer may be another now. */
export function touches({ about, id }: Hint, key: QueryKey): boolean {
  if (!SHOWN_BY[about].test(pathOf(key))) return false;
  const shown = idIn(key, IDS[about] ?? '');
  return shown === undefined || id === undefined || shown === id;
}

/** Whether any hint could be about this answer. */
export function touchedByAny(key: QueryKey): boolean {
  return Object.values(SHOWN_BY).some((paths) => paths.test(pathOf(key)));
}

/** Reads again what hints are about. */
export interface Reader {
  readonly again: (hint: Hint) => void;
  readonly stop: () => void;
}

/** Objects are read again at once, lists now and then. */
export function reader(queries: QueryClient): Reader {
  let waiting: Hint[] = [];
  let readAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function readLists(): void {
    const hints = waiting;
    waiting = [];
    timer = undefined;
    readAt = Date.now();
    const touched = (key: QueryKey) => !isOfOne(key) && hints.some((hint) => touches(hint, key));
    void queries.invalidateQueries({ predicate: ({ queryKey }) => touched(queryKey) });
  }

  return {
    again: (hint) => {
      void queries.invalidateQueries({ predicate: ({ queryKey }) => isOfOne(queryKey) && touches(hint, queryKey) });
      if (!waiting.some(({ about }) => about === hint.about)) waiting.push({ about: hint.about });
      timer ??= setTimeout(readLists, Math.max(0, readAt + LISTS_MS - Date.now()));
    },
    stop: () => clearTimeout(timer),
  };
}
