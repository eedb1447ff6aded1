/** What the tenant was told of one order or refund, each with the way to send it again. */
import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { $api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { useShortcuts } from '@/shared/lib/shortcuts';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { Delivery } from '../queries';
import { NEXT_TRY, STANDING } from './columns';
import { ReplayDialog } from './replay-dialog';

const LIVE_MS = 5_000;

const COLUMNS: readonly Column<Delivery>[] = [
  {
    key: 'type',
    title: { zh: '事件类型', en: 'Event type' },
    render: (delivery) => (
      <Link to="/deliveries/$deliveryId" params={{ deliveryId: delivery.id }} className="mono">
        {delivery.event_type}
      </Link>
    ),
  },
  ...STANDING,
  {
    key: 'created',
    title: { zh: '时间', en: 'Time' },
    width: 150,
    render: (delivery) => <TimeText at={delivery.created_at} />,
  },
  NEXT_TRY,
];

interface ToldProps {
  readonly subjectId: string;
  readonly mode: Delivery['mode'];
}

/** The deliveries about one thing; `r` sends the one again that failed, or else the newest. */
export default function Told({ subjectId, mode }: ToldProps) {
  const t = useText(words);
  const can = useCan();
  const query = $api.useQuery(
    'get',
    '/admin/v1/deliveries',
    { params: { query: { subject_id: subjectId, mode } } },
    { refetchInterval: ({ state }) => (state.data?.data.some((each) => each.state === 'open') ? LIVE_MS : false) },
  );
  const [replaying, setReplaying] = useState<Delivery>();
  const deliveries = query.data?.data ?? [];
  const replays = can('webhook:replay');
  useShortcuts({ r: () => replays && setReplaying(deliveries.find(isFailed) ?? deliveries[0]) });
  const column: Column<Delivery> = {
    key: 'act',
    title: { zh: '操作', en: 'Action' },
    render: (delivery) => (
      <Button size="small" onClick={() => setReplaying(delivery)}>
        {t('replay')}
      </Button>
    ),
  };
  return (
    <>
      <DataTable
        name="told"
        caption={t('deliveries')}
        columns={replays ? [...COLUMNS, column] : COLUMNS}
        query={query}
        rowsOf={(page) => page.data}
        rowKey={(delivery) => delivery.id}
        empty={<Empty text={t('noneTold')} />}
      />
      <ReplayDialog
        open={replaying !== undefined}
        deliveryId={replaying?.id ?? ''}
        to={replaying?.endpoint_id ?? ''}
        onClose={() => setReplaying(undefined)}
      />
    </>
  );
}

function isFailed({ state }: Delivery): boolean {
  return state === 'failed';
}
