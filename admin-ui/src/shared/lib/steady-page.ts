/**
 * A page of rows that stays where it is while somebody reads it: what is read again changes rows in place, and rows that would
 * come in between wait until they are asked for.
 */
import { useCallback, useEffect, useState } from 'react';

/** As much of a page of the API as this needs. */
export interface RowPage<Row> {
  readonly data: readonly Row[];
}

/** A page as it is shown. */
export interface Held<Row, Page extends RowPage<Row>> {
  /** What the address described when the page was taken. */
  readonly address: string;
  readonly page: Page;
  /** The newest page that was read. */
  readonly latest: Page;
  /** Rows that are another now than a moment ago. */
  readonly news: ReadonlySet<string>;
  /** Rows of the newest page that wait, and rows shown that it has no more. */
  readonly waiting: number;
  /** Whatever was read until then is shown as it is. */
  readonly openUntil: number;
}

type KeyOf<Row> = (row: Row) => string;

const NEWS_MS = 8_000;
const NONE: ReadonlySet<string> = new Set();

/** Shows a page as it is. */
export function take<Row, Page extends RowPage<Row>>(page: Page, address: string, openUntil = 0): Held<Row, Page> {
  return { address, page, latest: page, news: NONE, waiting: 0, openUntil };
}

/** Changes the rows that are shown to what they are now; their number and order stay. */
export function advance<Row, Page extends RowPage<Row>>(
  held: Held<Row, Page>,
  latest: Page,
  keyOf: KeyOf<Row>,
): Held<Row, Page> {
  const now = new Map(latest.data.map((row) => [keyOf(row), row]));
  const news = new Set<string>();
  const data = held.page.data.map((row) => {
    const next = now.get(keyOf(row));
    if (next === undefined || JSON.stringify(next) === JSON.stringify(row)) return row;
    news.add(keyOf(row));
    return next;
  });
  const page = { ...held.page, data };
  return { ...held, page, latest, news, waiting: countWaiting(page, latest, keyOf) };
}

/** Rows beyond the last that both pages have were only pushed over the edge, or pulled in from there. */
function countWaiting<Row>(page: RowPage<Row>, latest: RowPage<Row>, keyOf: KeyOf<Row>): number {
  return strangers(page, latest, keyOf) + strangers(latest, page, keyOf);
}

function strangers<Row>(of: RowPage<Row>, among: RowPage<Row>, keyOf: KeyOf<Row>): number {
  const known = new Set(among.data.map(keyOf));
  const keys = of.data.map(keyOf);
  const last = keys.findLastIndex((key) => known.has(key));
  const counted = last === -1 ? keys : keys.slice(0, last);
  return counted.filter((key) => !known.has(key)).length;
}

/** What a list shows. */
export interface SteadyPage<Page> {
  readonly page: Page | undefined;
  readonly news: ReadonlySet<string>;
  readonly waiting: number;
  /** Shows the newest page as it is. */
  readonly open: () => void;
}

interface Read<Page> {
  readonly data: Page | undefined;
  readonly dataUpdatedAt: number;
}

/** Holds the page that the address describes. */
export function useSteadyPage<Row, Page extends RowPage<Row>>(
  { data: latest, dataUpdatedAt }: Read<Page>,
  address: string,
  keyOf: KeyOf<Row>,
): SteadyPage<Page> {
  const [held, setHeld] = useState<Held<Row, Page>>();
  let now = held;
  if (latest === undefined) now = undefined;
  else if (held?.address !== address) now = take<Row, Page>(latest, address);
  else if (held.latest !== latest)
    now =
      dataUpdatedAt <= held.openUntil
        ? take<Row, Page>(latest, address, held.openUntil)
        : advance<Row, Page>(held, latest, keyOf);
  if (now !== held) setHeld(now);

  const news = now?.news ?? NONE;
  useEffect(() => {
    if (news.size === 0) return;
    const timer = setTimeout(() => setHeld((before) => before && { ...before, news: NONE }), NEWS_MS);
    return () => clearTimeout(timer);
  }, [news]);
  const open = useCallback(
    () => setHeld((before) => before && take<Row, Page>(before.latest, before.address, Date.now())),
    [],
  );
  return { page: now?.page, news, waiting: now?.waiting ?? 0, open };
}
