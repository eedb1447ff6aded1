/** Moves between pages by cursor: the cursor is in the address, the way back in the browser's history entry. */
import { useLocation, useNavigate } from '@tanstack/react-router';
import { Button, Select } from 'antd';
import { useText } from '../lib/i18n';
import type { Search } from '../lib/search-string';
import { words } from './words';

/** How many rows a page has unless a person chose otherwise. */
export const PAGE_SIZE = 50;
const SIZES = [20, 50, 100];

interface PagerProps {
  readonly nextCursor?: string | null;
  /** How many rows there are in all, if the server said. */
  readonly total?: string;
}

interface Trail {
  readonly trail?: readonly string[];
}

/** The page size that the address names, within what the API takes. */
export function pageSize(search: Search | Partial<Search>): number {
  const named = Number(search.limit);
  return SIZES.includes(named) ? named : PAGE_SIZE;
}

/** Next, previous and the size of a page. */
export function Pager({ nextCursor, total }: PagerProps) {
  const t = useText(words);
  const navigate = useNavigate();
  const location = useLocation();
  const search = location.search as Search;
  const trail = (location.state as Trail).trail ?? [];
  // All of it is on the page.
  if (!nextCursor && !search.cursor && !search.limit && trail.length === 0 && !total) return null;

  function go(change: Partial<Search>, next: readonly string[]) {
    const target = { ...search, ...change } as Search;
    navigate({ to: location.pathname, search: target as never, state: { trail: next } as never });
  }

  return (
    <nav className="pager" aria-label={`${t('previous')} / ${t('next')}`}>
      {total && <span className="faint">{total}</span>}
      <Select
        aria-label={t('perPage')}
        value={pageSize(search)}
        options={SIZES.map((size) => ({ value: size, label: String(size) }))}
        onChange={(size) => go({ limit: String(size), cursor: undefined }, [])}
      />
      {search.cursor && trail.length === 0 && (
        <Button onClick={() => go({ cursor: undefined }, [])}>{t('first')}</Button>
      )}
      <Button
        disabled={trail.length === 0}
        onClick={() => go({ cursor: trail.at(-1) || undefined }, trail.slice(0, -1))}
      >
        {t('previous')}
      </Button>
      <Button
        disabled={!nextCursor}
        onClick={() => go({ cursor: nextCursor ?? undefined }, [...trail, search.cursor ?? ''])}
      >
        {t('next')}
      </Button>
    </nav>
  );
}
