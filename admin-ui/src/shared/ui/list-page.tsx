/** A whole list: filters, age, columns, rows, paging. Its only state is the address. */
import type { ReactNode } from 'react';
import { useAddress } from '../lib/address';
import type { Search } from '../lib/search-string';
import { ColumnChooser } from './column-chooser';
import { type Column, DataTable, type ListQuery } from './data-table';
import { FilterBar, type FilterField } from './filter-bar';
import { NothingFound } from './nothing-found';
import { Page } from './page';
import { Pager } from './pager';
import { RefreshBar } from './refresh-bar';

/** What a page of the API looks like. */
interface RowPage<Row> {
  readonly data: Row[];
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
  readonly actions?: ReactNode;
  /** Stands beside the age of the rows, such as sums. */
  readonly beside?: ReactNode;
  /** Stands below the list, such as dialogs. */
  readonly children?: ReactNode;
}

/** Shows the list that the address describes. */
export function ListPage<Row>(props: ListPageProps<Row>) {
  const { name, filters, columns, query } = props;
  const { search, change } = useAddress();
  return (
    <Page title={props.title} actions={props.actions}>
      {filters.length > 0 && <FilterBar fields={filters} search={search} defaults={props.defaults} onChange={change} />}
      <div className="list-head">
        <RefreshBar query={query} />
        {props.beside}
        <ColumnChooser name={name} columns={columns} />
      </div>
      <DataTable
        name={name}
        caption={props.caption}
        columns={columns}
        query={query}
        rowsOf={(page) => page.data}
        rowKey={props.rowKey}
        empty={<NothingFound fields={filters} search={search} onChange={change} never={props.never} />}
        footer={<Pager nextCursor={query.data?.next_cursor} />}
      />
      {props.children}
    </Page>
  );
}
