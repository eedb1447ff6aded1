import { Link } from '@tanstack/react-router';
import { $api } from '@/api/client';
import type { components } from '@/api/schema';
import { LATE_KINDS } from '@/features/orders';
import { useLabel, useText } from '@/shared/lib/i18n';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { Money } from '@/shared/ui/money';
import { ShortId } from '@/shared/ui/short-id';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';

type Late = components['schemas']['LatePaymentObject'];

function KindText({ late }: { late: Late }) {
  const label = useLabel();
  const kind = LATE_KINDS[late.kind];
  return <>{kind ? label(kind) : late.kind}</>;
}

const COLUMNS: readonly Column<Late>[] = [
  {
    key: 'order',
    title: { zh: '订单', en: 'Order' },
    render: (late) => (
      <Link to="/orders/$orderId" params={{ orderId: late.order_id }}>
        <ShortId id={late.order_id} />
      </Link>
    ),
  },
  { key: 'kind', title: { zh: '类型', en: 'Kind' }, render: (late) => <KindText late={late} /> },
  {
    key: 'total',
    title: { zh: '金额', en: 'Amount' },
    align: 'right',
    render: (late) => <Money fen={late.total} strong />,
  },
  { key: 'paid', title: { zh: '支付时间', en: 'Paid' }, width: 150, render: (late) => <TimeText at={late.paid_at} /> },
  {
    key: 'transaction',
    title: { zh: '微信订单号', en: 'WeChat transaction' },
    render: (late) => <span className="mono">{late.transaction_id}</span>,
  },
];

/** Money that waits for a decision; it is made on the order's page. */
export function HeldMoney() {
  const t = useText(words);
  const query = $api.useQuery('get', '/admin/v1/late-payments', { params: { query: { state: 'held' as never } } });
  return (
    <DataTable
      name="held"
      caption={t('held')}
      columns={COLUMNS}
      query={query}
      rowsOf={(page) => page.data}
      rowKey={(late) => late.id}
      empty={<Empty text={t('noHeld')} />}
    />
  );
}
