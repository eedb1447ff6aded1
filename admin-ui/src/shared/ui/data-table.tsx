/** A list as one plain `<table>`: header cells stay header cells, rows stay while they are fetched again. */
import { Skeleton } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import type { Label } from '../lib/i18n';
import { useLabel, useText } from '../lib/i18n';
import { usePreference } from '../lib/preferences';
import { useShortcuts } from '../lib/shortcuts';
import { ProblemView } from './problem-view';
import { words } from './words';

/** One column; the first holds the link to the row's page. */
export interface Column<Row> {
  readonly key: string;
  readonly title: Label;
  readonly render: (row: Row) => ReactNode;
  readonly align?: 'right';
  /** The width that the skeleton takes, in pixels. */
  readonly width?: number;
  /** Hidden until the person asks for it. */
  readonly hidden?: boolean;
}

/** As much of a query as a table needs; `useQuery` gives it. */
export interface ListQuery<Answer> {
  readonly data: Answer | undefined;
  readonly isPending: boolean;
  readonly isFetching: boolean;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

export interface DataTableProps<Row, Answer> {
  /** Names the table in what the person chose. */
  readonly name: string;
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly query: ListQuery<Answer>;
  readonly rowsOf: (answer: Answer) => readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly empty: ReactNode;
  readonly footer?: ReactNode;
  /** The rows that are chosen, where rows can be. */
  readonly selection?: Selection;
  /** Rows that changed a moment ago. */
  readonly news?: ReadonlySet<string>;
}

const NO_NEWS: ReadonlySet<string> = new Set();

export interface Selection {
  readonly chosen: ReadonlySet<string>;
  readonly onChange: (chosen: ReadonlySet<string>) => void;
}

const SKELETON_ROWS = 8;
const PATIENCE_MS = 200;

/** Shows the list in whichever state its query is. */
export function DataTable<Row, Answer>(props: DataTableProps<Row, Answer>) {
  const { name, query, rowsOf, empty, footer, news = NO_NEWS } = props;
  const columns = useShownColumns(name, props.columns);
  const rows = query.data === undefined ? undefined : rowsOf(query.data);
  const density = usePreference('density');
  useShortcuts({ j: () => moveFocus(1), k: () => moveFocus(-1) });
  return (
    <div className="table-frame" aria-busy={query.isFetching}>
      {query.isFetching && rows && <ProgressLine />}
      {query.error ? <ProblemView error={query.error} onRetry={() => query.refetch()} /> : null}
      {rows && rows.length === 0 && !query.error ? empty : null}
      {rows && rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <section className="table-scroll" tabIndex={0} aria-label={props.caption}>
          <table className={`table table-${density}`}>
            <caption className="visually-hidden">{props.caption}</caption>
            <Head columns={columns} rows={rows} rowKey={props.rowKey} selection={props.selection} />
            <tbody>
              {rows.map((row) => (
                <Row
                  key={props.rowKey(row)}
                  row={row}
                  id={props.rowKey(row)}
                  columns={columns}
                  selection={props.selection}
                  news={news.has(props.rowKey(row))}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {query.isPending && !query.error && <LateSkeleton columns={columns} caption={props.caption} />}
      {footer}
      {props.news && <RowNews count={news.size} />}
    </div>
  );
}

/** Says how many rows changed, for those who do not see the marks. */
function RowNews({ count }: { count: number }) {
  const t = useText(words);
  return (
    <span role="status" className="visually-hidden">
      {count > 0 ? t('rowsChanged', { count }) : ''}
    </span>
  );
}

/** The columns that this person sees. */
function useShownColumns<Row>(name: string, columns: readonly Column<Row>[]): readonly Column<Row>[] {
  const hidden = usePreference('columns')[name];
  const keys = hidden === undefined ? undefined : hidden.split(',');
  return columns.filter((column, at) => at === 0 || !(keys ? keys.includes(column.key) : column.hidden));
}

const PRESSABLE = ['th :is(a, button:not(.icon-button))', ':is(a, button:not(.icon-button, :disabled), summary)'];

/** Moves the focus through the rows of every list, as `j` and `k` do: to a row's link, or else to what can be pressed. */
function moveFocus(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('.table-frame tbody tr')].filter(pressable);
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at === -1 ? (step === 1 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
  pressable(rows[next])?.focus();
}

function pressable(row: HTMLElement | undefined): HTMLElement | undefined {
  return PRESSABLE.map((selector) => row?.querySelector<HTMLElement>(selector)).find((found) => found) ?? undefined;
}

interface HeadProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly selection?: Selection;
}

function Head<Row>({ columns, rows, rowKey, selection }: HeadProps<Row>) {
  const label = useLabel();
  const t = useText(words);
  const all = rows.every((row) => selection?.chosen.has(rowKey(row)));
  return (
    <thead>
      <tr>
        {selection && (
          <th scope="col" className="cell-check">
            <input
              type="checkbox"
              aria-label={t('selectAll')}
              checked={all}
              onChange={() => selection.onChange(new Set(all ? [] : rows.map(rowKey)))}
            />
          </th>
        )}
        {columns.map((column) => (
          <th key={column.key} scope="col" className={column.align === 'right' ? 'cell-right' : undefined}>
            {label(column.title)}
          </th>
        ))}
      </tr>
    </thead>
  );
}

interface RowProps<Row> {
  readonly row: Row;
  readonly id: string;
  readonly columns: readonly Column<Row>[];
  readonly selection?: Selection;
  readonly news: boolean;
}

function Row<Row>({ row, id, columns, selection, news }: RowProps<Row>) {
  const label = useLabel();
  const t = useText(words);
  return (
    <tr className={selection?.chosen.has(id) ? 'row-chosen' : news ? 'row-news' : undefined}>
      {selection && (
        <td className="cell-check">
          <input
            type="checkbox"
            aria-label={t('selectRow', { what: id })}
            checked={selection.chosen.has(id)}
            onChange={() => selection.onChange(toggled(selection.chosen, id))}
          />
        </td>
      )}
      {columns.map((column, at) => {
        const className = classOf(column);
        return at === 0 ? (
          <th key={column.key} scope="row" className={className}>
            {column.render(row)}
            {news && <span className="visually-hidden">{t('rowChanged')}</span>}
          </th>
        ) : (
          <td key={column.key} className={className} data-label={label(column.title)}>
            {column.render(row)}
          </td>
        );
      })}
    </tr>
  );
}

/** What can be done with a row is there on a phone too, where few columns are. */
function classOf<Row>({ key, align }: Column<Row>): string | undefined {
  if (key === 'act') return 'cell-act';
  return align === 'right' ? 'cell-right' : undefined;
}

function toggled(chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}

function ProgressLine() {
  const t = useText(words);
  return (
    <div className="progress-line">
      <span className="visually-hidden">{t('refreshing')}</span>
    </div>
  );
}

/** Nothing for a moment, then the shape of the table. */
function LateSkeleton<Row>({ columns, caption }: { columns: readonly Column<Row>[]; caption: string }) {
  const t = useText(words);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return <div className="table-waiting" />;
  return (
    <div className="table-skeleton" role="status">
      <span className="visually-hidden">
        {caption}: {t('loading')}
      </span>
      {Array.from({ length: SKELETON_ROWS }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: these rows have nothing else.
        <div key={row} className="skeleton-row" aria-hidden="true">
          {columns.map((column) => (
            <Skeleton.Button key={column.key} size="small" style={{ width: column.width ?? 120 }} />
          ))}
        </div>
      ))}
    </div>
  );
}
