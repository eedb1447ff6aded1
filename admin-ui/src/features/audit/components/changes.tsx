/** What was done to one object: who, when, why, and what it was before. */
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { $api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { words } from '../i18n';
import { COLUMNS } from './columns';

const NEWEST = 20;
const OF_OBJECT = COLUMNS.filter(({ key }) => key !== 'target' && key !== 'ip');

/** The newest changes of an object, with the way to all of them. */
export default function Changes({ target }: { target: string }) {
  const t = useText(words);
  const query = $api.useQuery('get', '/admin/v1/audit', { params: { query: { target, limit: NEWEST } } });
  return (
    <div className="stack">
      <DataTable
        name="changes"
        caption={t('changes')}
        columns={OF_OBJECT}
        query={query}
        rowsOf={(page) => page.data}
        rowKey={(entry) => `${entry.scope} ${entry.number}`}
        empty={<Empty text={t('noChanges')} />}
      />
      {query.data?.has_more && (
        <Link to="/audit" search={{ target } as never}>
          {t('allChanges')}
        </Link>
      )}
    </div>
  );
}

/** The same below a page without tabs, folded until it is wanted. */
export function FoldedChanges({ target }: { target: string }) {
  const t = useText(words);
  const can = useCan();
  const [open, setOpen] = useState(false);
  if (!can('audit:read')) return null;
  return (
    <details className="panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('changes')}</summary>
      {open && <Changes target={target} />}
    </details>
  );
}
