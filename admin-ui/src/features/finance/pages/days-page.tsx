import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { ProviderName, useProviderNames } from '@/app/session/names';
import { MODE_FILTER, useMode } from '@/app/session/use-mode';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { isDay } from '@/shared/lib/time';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { Money } from '@/shared/ui/money';
import { NamedField } from '@/shared/ui/named-field';
import { StatusTag, ToneTag } from '@/shared/ui/status-tag';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type Day, useFinanceChanged } from '../queries';
import { DAY_STATES } from '../states';

/** Draws the eye only where somebody must look. */
function OpenCount({ count }: { count: number }) {
  return count === 0 ? <>0</> : <ToneTag tone="bad">{String(count)}</ToneTag>;
}

const COLUMNS: readonly Column<Day>[] = [
  {
    key: 'date',
    title: { zh: '账单日', en: 'Day' },
    render: (day) => (
      <Link to="/recon/$providerId/$date" params={{ providerId: day.provider_id, date: day.date }}>
        {day.date}
      </Link>
    ),
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (day) => <StatusTag value={day.closed_at ? 'closed' : day.state} words={DAY_STATES} />,
  },
  {
    key: 'open',
    title: { zh: '未处理差异', en: 'Open differences' },
    align: 'right',
    render: (day) => <OpenCount count={day.open} />,
  },
  {
    key: 'local',
    title: { zh: '平台支付', en: 'Paid, ours' },
    align: 'right',
    render: (day) => <Money fen={day.payments.local} />,
  },
  {
    key: 'bill',
    title: { zh: '账单支付', en: 'Paid, bill' },
    align: 'right',
    render: (day) => <Money fen={day.payments.bill} />,
  },
  {
    key: 'delta',
    title: { zh: '差额', en: 'Difference' },
    align: 'right',
    render: (day) => <Money fen={day.payments.local - day.payments.bill} />,
  },
  {
    key: 'provider',
    title: { zh: '服务商', en: 'Provider' },
    render: (day) => <ProviderName id={day.provider_id} />,
  },
];

/** Each day of each provider. */
export default function DaysPage() {
  const t = useText(words);
  const can = useCan();
  const { search } = useAddress();
  const mode = useMode(search);
  const query = $api.useQuery('get', '/admin/v1/reconciliation/days', { params: { query: { mode } } });
  const [running, setRunning] = useState(false);
  return (
    <ListPage
      name="days"
      title={t('days')}
      caption={t('daysCaption')}
      never={t('noDays')}
      filters={[MODE_FILTER]}
      defaults={{ mode }}
      columns={COLUMNS}
      query={query}
      rowKey={(day) => day.id}
      actions={can('bill:pull') && <Button onClick={() => setRunning(true)}>{t('run')}</Button>}
    >
      <RunDialog open={running} onClose={() => setRunning(false)} />
    </ListPage>
  );
}

function RunDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText(words);
  const changed = useFinanceChanged();
  const providers = useProviderNames();
  const [provider, setProvider] = useState('');
  const [date, setDate] = useState('');
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('run')}
      effect={t('runEffect')}
      act={t('run')}
      target={provider}
      ready={provider.trim() !== '' && isDay(date.trim())}
      onConfirm={async () => {
        await api.POST('/admin/v1/reconciliation/jobs', { body: { provider_id: provider.trim(), date: date.trim() } });
        await changed();
        return t('runStarted');
      }}
      onClose={onClose}
    >
      <NamedField field="provider_id" label={t('provider')} value={provider} names={providers} onChange={setProvider} />
      <TextField field="date" label={t('date')} value={date} mono onChange={setDate} />
    </DangerDialog>
  );
}
