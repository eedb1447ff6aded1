import { Button } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { saveFile } from '@/shared/lib/csv';
import { useText } from '@/shared/lib/i18n';
import type { Search } from '@/shared/lib/search-string';
import { endOfDay, startOfDay } from '@/shared/lib/time';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { ListPage } from '@/shared/ui/list-page';
import { pageSize } from '@/shared/ui/pager';
import { ToneTag } from '@/shared/ui/status-tag';
import { COLUMNS } from '../components/columns';
import { words } from '../i18n';
import { FILTERS } from '../search-params';

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
