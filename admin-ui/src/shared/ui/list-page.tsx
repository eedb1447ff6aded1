/** A whole list: filters, age, columns, rows, paging. Its only state is the address. */
import type { ReactNode } from 'react';
import { useAddress } from '../lib/address';
import { type Search, stringifySearch } from '../lib/search-string';
import { useSteadyPage } from '../lib/steady-page';
import { ColumnChooser } from './column-chooser';
import { type Column, DataTable, type ListQuery } from './data-table';
import { FilterBar, type FilterField } from './filter-bar';
import { NothingFound } from './nothing-found';
import { Page } from './page';
import { Pager } from './pager';
import { RefreshBar } from './refresh-bar';
import { type BuiltInView, SavedViews } from './saved-views';

/** What a page of the API looks like. */
interface RowPage<Row> {
  readonly data: readonly Row[];
  readonly next_cursor?: string;
}

interface ListPageProps<Row> {
  /** Names the list in what the person chose. */
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  /** Said when there is nothing and nothing is filtered. */
  readonly never: string;
  readonly filters: readonly FilterField[];
  readonly defaults?: Partial<Search>;
  readonly columns: readonly Column<Row>[];
  readonly query: ListQuery<RowPage<Row>> & { readonly dataUpdatedAt: number };
  readonly rowKey: (row: Row) => string;
  /** Whether the server names rows that change, so that the list is read again while it is looked at. */
  readonly live?: boolean;
  /** Views that everybody has; with them a person may keep others. */
  readonly views?: readonly BuiltInView[];
  readonly actions?: ReactNode;
  /** Stands beside the age of the rows, such as sums. */
  readonly beside?: ReactNode;
  /** Stands below the list, such as dialogs. */
  readonly children?: ReactNode;
}

/** Shows the list that the address describes. */
export function ListPage<Row>(props: ListPageProps<Row>) {
  return props.live ? <LiveList {...props} /> : <WholeList {...props} />;
}

/** What is read again in the background moves no row that somebody reads. */
function LiveList<Row>(props: ListPageProps<Row>) {
  const { query, rowKey } = props;
  const { search } = useAddress();
  const { page, news, waiting, open } = useSteadyPage(query, stringifySearch(search), rowKey);
  const refetch = async () => {
    await query.refetch();
    open();
  };
  return <WholeList {...props} query={{ ...query, data: page, refetch }} news={news} waiting={waiting} />;
}

interface WholeListProps<Row> extends ListPageProps<Row> {
  readonly news?: ReadonlySet<string>;
  readonly waiting?: number;
}

function WholeList<Row>(props: WholeListProps<Row>) {
  const { name, filters, columns, query, waiting } = props;
  const { search, change } = useAddress();
  return (
    <Page title={props.title} actions={props.actions}>
      {filters.length > 0 && <FilterBar fields={filters} search={search} defaults={props.defaults} onChange={change} />}
      <div className="list-head">
        <RefreshBar query={query} waiting={waiting} />
        {props.beside}
        <span className="row">
          {props.views && <SavedViews name={name} builtIn={props.views} />}
          <ColumnChooser name={name} columns={columns} />
        </span>
      </div>
      <DataTable
        name={name}
        caption={props.caption}
        columns={columns}
        query={query}
        rowsOf={(page) => page.data}
        rowKey={props.rowKey}
        news={props.news}
        empty={<NothingFound fields={filters} search={search} onChange={change} never={props.never} />}
        footer={<Pager nextCursor={query.data?.next_cursor} />}
      />
      {props.children}
    </Page>
  );
}
