import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import type { components } from '@/api/schema';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { ShortId } from '@/shared/ui/short-id';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { ALARM_KINDS } from '../states';
import { AlarmFacts } from './alarm-facts';

type Alarm = components['schemas']['AlarmObject'];

function KindText({ alarm }: { alarm: Alarm }) {
  const label = useLabel();
  const kind = ALARM_KINDS[alarm.kind];
  return (
    <strong title={alarm.kind} className={kind ? undefined : 'mono'}>
      {kind ? label(kind) : alarm.kind}
    </strong>
  );
}

const COLUMNS: readonly Column<Alarm>[] = [
  { key: 'kind', title: { zh: '类型', en: 'Kind' }, render: (alarm) => <KindText alarm={alarm} /> },
  {
    key: 'order',
    title: { zh: '订单', en: 'Order' },
    render: (alarm) =>
      alarm.order_id ? (
        <Link to="/orders/$orderId" params={{ orderId: alarm.order_id }}>
          <ShortId id={alarm.order_id} />
        </Link>
      ) : (
        <span className="faint">—</span>
      ),
  },
  {
    key: 'detail',
    title: { zh: '内容', en: 'What was seen' },
    render: (alarm) => <AlarmFacts detail={alarm.detail} />,
  },
  {
    key: 'raised',
    title: { zh: '时间', en: 'Raised' },
    width: 150,
    render: (alarm) => <TimeText at={alarm.raised_at} />,
  },
];

/** What a person must look at. */
export function Alarms() {
  const t = useText(words);
  const can = useCan();
  const queries = useQueryClient();
  const query = $api.useQuery('get', '/admin/v1/alarms', { params: { query: {} } });
  const [resolving, setResolving] = useState<Alarm>();
  const act: Column<Alarm> = {
    key: 'act',
    title: { zh: '操作', en: 'Action' },
    render: (alarm) => (
      <Button size="small" onClick={() => setResolving(alarm)}>
        {t('resolve')}
      </Button>
    ),
  };

  async function resolve(resolution: string): Promise<string> {
    if (resolving)
      await api.POST('/admin/v1/alarms/{alarm_id}/resolve', {
        params: { path: { alarm_id: resolving.id } },
        body: { resolution },
      });
    await queries.invalidateQueries({ predicate: ({ queryKey }) => /\/(alarms|inbox)/.test(String(queryKey[1])) });
    return t('resolved');
  }

  return (
    <>
      <DataTable
        name="alarms"
        caption={t('alarms')}
        columns={can('order:query') ? [...COLUMNS, act] : COLUMNS}
        query={query}
        rowsOf={(page) => page.data}
        rowKey={(alarm) => alarm.id}
        empty={<Empty text={t('noAlarms')} />}
      />
      <DangerDialog
        open={resolving !== undefined}
        tier={2}
        title={t('resolve')}
        effect={t('resolveEffect')}
        act={t('resolve')}
        target={resolving?.id ?? ''}
        onConfirm={({ reason }) => resolve(reason)}
        onClose={() => setResolving(undefined)}
      />
    </>
  );
}
