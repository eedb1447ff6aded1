import type { components } from '@/api/schema';
import { useText } from '@/shared/lib/i18n';
import { type Column, DataTable, type ListQuery } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';

type OpenSession = components['schemas']['OpenSession'];
type OpenSessionList = components['schemas']['OpenSessionList'];

const COLUMNS: readonly Column<OpenSession>[] = [
  { key: 'started', title: { zh: '登录时间', en: 'Begun' }, render: (session) => <TimeText at={session.created_at} /> },
  { key: 'used', title: { zh: '最近使用', en: 'Last used' }, render: (session) => <TimeText at={session.used_at} /> },
  { key: 'ip', title: { zh: 'IP', en: 'IP' }, render: (session) => <span className="mono">{session.ip ?? '—'}</span> },
  {
    key: 'browser',
    title: { zh: '浏览器', en: 'Browser' },
    render: (session) => <span className="cell-wrap">{session.user_agent}</span>,
  },
];

interface SessionTableProps {
  readonly query: ListQuery<OpenSessionList>;
  readonly more?: Column<OpenSession>;
}

/** Open sessions; `more` is a last column of the page that shows them. */
export function SessionTable({ query, more }: SessionTableProps) {
  const t = useText(words);
  return (
    <DataTable
      name="sessions"
      caption={t('sessions')}
      columns={more ? [...COLUMNS, more] : COLUMNS}
      query={query}
      rowsOf={(list) => list.data}
      rowKey={(session) => session.id}
      empty={<Empty text={t('noSessions')} />}
    />
  );
}
