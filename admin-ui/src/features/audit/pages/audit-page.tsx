import { Button } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import type { components } from '@/api/schema';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { saveFile } from '@/shared/lib/csv';
import { useText } from '@/shared/lib/i18n';
import type { Search } from '@/shared/lib/search-string';
import { endOfDay, startOfDay } from '@/shared/lib/time';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import type { Column } from '@/shared/ui/data-table';
import { JsonView } from '@/shared/ui/json-view';
import { ListPage } from '@/shared/ui/list-page';
import { pageSize } from '@/shared/ui/pager';
import { ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { FILTERS } from '../search-params';

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

const COLUMNS: readonly Column<Entry>[] = [
  { key: 'at', title: { zh: '时间', en: 'Time' }, width: 150, render: (entry) => <TimeText at={entry.at} /> },
  { key: 'actor', title: { zh: '操作人', en: 'Who' }, render: (entry) => entry.actor },
  {
    key: 'action',
    title: { zh: '操作', en: 'Action' },
    render: (entry) => <span className="mono">{entry.action}</span>,
  },
  {
    key: 'target',
    title: { zh: '对象', en: 'About' },
    render: (entry) => <span className="mono">{entry.target ?? '—'}</span>,
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

function filterOf(search: Partial<Search>) {
  return {
    actor: search.actor,
    action: search.action,
    target: search.target,
    tenant_id: search.tenant_id,
    since: search.from && startOfDay(search.from),
    until: search.to && endOfDay(search.to),
  };
}

/** Who did what, and whether the chain holds. */
export default function AuditPage() {
  const t = useText(words);
  const can = useCan();
  const { search } = useAddress();
  const [exporting, setExporting] = useState(false);
  const query = $api.useQuery('get', '/admin/v1/audit', {
    params: { query: { ...filterOf(search), cursor: search.cursor, limit: pageSize(search) } },
  });

  async function save(): Promise<string> {
    const { data } = await api.GET('/admin/v1/audit/export', { params: { query: filterOf(search) }, parseAs: 'text' });
    saveFile('audit.csv', String(data));
    return t('exported');
  }

  return (
    <ListPage
      name="audit"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={FILTERS}
      columns={COLUMNS}
      query={query}
      rowKey={(entry) => `${entry.scope} ${entry.number}`}
      actions={can('audit:export') && <Button onClick={() => setExporting(true)}>{t('export')}</Button>}
      beside={<Chain tenantId={search.tenant_id} />}
    >
      <DangerDialog
        open={exporting}
        tier={1}
        title={t('export')}
        effect={t('exportEffect')}
        act={t('export')}
        target="audit"
        onConfirm={save}
        onClose={() => setExporting(false)}
      />
    </ListPage>
  );
}

/** Whether nobody changed what the log says. */
function Chain({ tenantId }: { tenantId?: string }) {
  const t = useText(words);
  const { data } = $api.useQuery('get', '/admin/v1/audit/verification', { params: { query: { tenant_id: tenantId } } });
  if (!data) return <span />;
  const text = data.holds
    ? t(data.whole ? 'holds' : 'part', { count: data.entries })
    : t('broken', { number: data.broken_at ?? 0, what: data.what ?? '' });
  return (
    <span className="row">
      {t('chain')} <ToneTag tone={data.holds ? 'ok' : 'bad'}>{text}</ToneTag>
    </span>
  );
}
