import type { components } from '@/api/schema';
import { ActorName } from '@/app/session/names';
import { useText } from '@/shared/lib/i18n';
import type { Column } from '@/shared/ui/data-table';
import { JsonView } from '@/shared/ui/json-view';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { ActionText, TargetText } from './words';

type Entry = components['schemas']['AuditEntry'];

function Change({ entry }: { entry: Entry }) {
  const t = useText(words);
  if (entry.before === undefined && entry.after === undefined) return <span className="faint">—</span>;
  return (
    <details>
      <summary>{t('change')}</summary>
      {entry.before !== undefined && <JsonView value={entry.before} what={t('before')} />}
      {entry.after !== undefined && <JsonView value={entry.after} what={t('after')} />}
    </details>
  );
}

/** The columns of the log. */
export const COLUMNS: readonly Column<Entry>[] = [
  { key: 'at', title: { zh: '时间', en: 'Time' }, width: 150, render: (entry) => <TimeText at={entry.at} /> },
  { key: 'actor', title: { zh: '操作人', en: 'Who' }, render: (entry) => <ActorName actor={entry.actor} /> },
  {
    key: 'action',
    title: { zh: '操作', en: 'Action' },
    render: (entry) => <ActionText action={entry.action} />,
  },
  {
    key: 'target',
    title: { zh: '对象', en: 'About' },
    render: (entry) => <TargetText target={entry.target} />,
  },
  { key: 'reason', title: { zh: '原因', en: 'Why' }, render: (entry) => entry.reason ?? '—' },
  { key: 'change', title: { zh: '变更', en: 'Change' }, render: (entry) => <Change entry={entry} /> },
  { key: 'ip', title: { zh: 'IP', en: 'IP' }, render: (entry) => <span className="mono">{entry.ip ?? '—'}</span> },
  {
    key: 'request',
    title: { zh: '请求编号', en: 'Request id' },
    hidden: true,
    render: (entry) => <span className="mono">{entry.request_id ?? '—'}</span>,
  },
];
