import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { $api } from '@/api/client';
import { ActorName } from '@/app/session/names';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { Money } from '@/shared/ui/money';
import { Pager } from '@/shared/ui/pager';
import { StatusTag } from '@/shared/ui/status-tag';
import { words } from '../i18n';
import type { Day, Difference } from '../queries';
import { CLASSES, DIFFERENCE_STATES } from '../states';
import { type DifferenceAct, DifferenceActs } from './difference-acts';

function ClassText({ difference }: { difference: Difference }) {
  const label = useLabel();
  const name = CLASSES[difference.class];
  return (
    <>
      <span className="mono">{difference.class}</span> {name ? label(name) : ''}
    </>
  );
}

const KIND = { key: 'class', title: { zh: '类型', en: 'Kind' } };

const COLUMNS: readonly Column<Difference>[] = [
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (difference) => <StatusTag value={difference.state} words={DIFFERENCE_STATES} />,
  },
  {
    key: 'delta',
    title: { zh: '差额', en: 'Delta' },
    align: 'right',
    render: (difference) => <Money fen={difference.delta} strong />,
  },
  {
    key: 'local',
    title: { zh: '平台', en: 'Ours' },
    align: 'right',
    render: (difference) => <Money fen={difference.local} />,
  },
  {
    key: 'bill',
    title: { zh: '账单', en: 'Bill' },
    align: 'right',
    render: (difference) => <Money fen={difference.bill} />,
  },
  {
    key: 'number',
    title: { zh: '单号', en: 'Number' },
    render: (difference) =>
      difference.order_id ? (
        <Link to="/orders/$orderId" params={{ orderId: difference.order_id }} className="mono">
          {difference.number}
        </Link>
      ) : (
        <span className="mono">{difference.number}</span>
      ),
  },
  {
    key: 'assignee',
    title: { zh: '负责人', en: 'Assigned to' },
    render: (difference) => (difference.assignee ? <ActorName actor={difference.assignee} /> : '—'),
  },
  { key: 'reason', title: { zh: '说明', en: 'Why' }, render: (difference) => difference.reason ?? '—' },
];

/** The differences of a day, each with what a person may do. */
export function Differences({ day }: { day: Day }) {
  const t = useText(words);
  const can = useCan();
  const query = $api.useQuery('get', '/admin/v1/discrepancies', {
    params: { query: { provider_id: day.provider_id, date: day.date } },
  });
  const [act, setAct] = useState<DifferenceAct>();
  const writes = can('reconciliation:close');
  const named: Column<Difference> = {
    ...KIND,
    render: (difference) =>
      writes && difference.state !== 'closed' ? (
        <button type="button" className="link-button" onClick={() => setAct({ kind: 'explain', difference })}>
          <ClassText difference={difference} />
        </button>
      ) : (
        <ClassText difference={difference} />
      ),
  };
  const column: Column<Difference> = {
    key: 'act',
    title: { zh: '操作', en: 'Action' },
    render: (difference) =>
      difference.state !== 'closed' && (
        <span className="row">
          <Button size="small" onClick={() => setAct({ kind: 'explain', difference })}>
            {t('explain')}
          </Button>
          <Button size="small" onClick={() => setAct({ kind: 'assign', difference })}>
            {t('assign')}
          </Button>
          <Button size="small" onClick={() => setAct({ kind: 'close', difference })}>
            {t('closeOne')}
          </Button>
        </span>
      ),
  };
  return (
    <>
      <DataTable
        name="differences"
        caption={t('differences')}
        columns={writes ? [named, ...COLUMNS, column] : [named, ...COLUMNS]}
        query={query}
        rowsOf={(page) => page.data}
        rowKey={(difference) => difference.id}
        empty={<Empty text={t('noDifferences')} />}
        footer={<Pager nextCursor={query.data?.next_cursor} />}
      />
      <DifferenceActs act={act} onClose={() => setAct(undefined)} />
    </>
  );
}
