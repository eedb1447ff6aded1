import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useText } from '@/shared/lib/i18n';
import { type Column, DataTable, type ListQuery } from '@/shared/ui/data-table';
import { IdText } from '@/shared/ui/id-text';
import { Money } from '@/shared/ui/money';
import { ShortId } from '@/shared/ui/short-id';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { ListedRefund, RefundPage } from '../queries';
import { REFUND_STATES } from '../states';

/** The columns of lists of refunds. */
export const COLUMNS: readonly Column<ListedRefund>[] = [
  {
    key: 'number',
    title: { zh: '商户退款单号', en: 'Refund number' },
    width: 180,
    render: (refund) => (
      <IdText value={refund.merchant_refund_no} what="merchant_refund_no">
        <Link to="/refunds/$refundId" params={{ refundId: refund.id }}>
          {refund.merchant_refund_no}
        </Link>
      </IdText>
    ),
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (refund) => <StatusTag value={refund.state} words={REFUND_STATES} />,
  },
  {
    key: 'amount',
    title: { zh: '退款金额', en: 'Goes back' },
    align: 'right',
    render: (refund) => <Money fen={refund.refund} strong />,
  },
  {
    key: 'total',
    title: { zh: '订单金额', en: 'Of the order' },
    align: 'right',
    render: (refund) => <Money fen={refund.total} />,
  },
  {
    key: 'order',
    title: { zh: '原订单', en: 'Order' },
    render: (refund) => (
      <Link to="/orders/$orderId" params={{ orderId: refund.order_id }}>
        <ShortId id={refund.order_id} />
      </Link>
    ),
  },
  { key: 'tenant', title: { zh: '租户', en: 'Tenant' }, render: (refund) => refund.tenant_name },
  {
    key: 'merchant',
    title: { zh: '特约商户', en: 'Sub-merchant' },
    render: (refund) => <span className="mono">{refund.sub_mchid}</span>,
  },
  { key: 'reason', title: { zh: '原因', en: 'Reason' }, render: (refund) => refund.reason ?? '—' },
  {
    key: 'created',
    title: { zh: '申请时间', en: 'Asked for' },
    width: 150,
    render: (refund) => <TimeText at={refund.created_at} />,
  },
  {
    key: 'wechat',
    title: { zh: '微信退款单号', en: 'WeChat refund' },
    hidden: true,
    render: (refund) => <span className="mono">{refund.wechat_refund_id ?? '—'}</span>,
  },
];

const OF_THE_ORDER = new Set(['order', 'tenant', 'merchant', 'total']);

interface RefundTableProps {
  readonly query: ListQuery<RefundPage>;
  readonly empty: ReactNode;
  readonly footer?: ReactNode;
  /** Whose it is the page says already. */
  readonly ofOneOrder?: boolean;
}

/** A list of refunds, on its own page and on that of an order. */
export function RefundTable({ query, empty, footer, ofOneOrder = false }: RefundTableProps) {
  const t = useText(words);
  return (
    <DataTable
      name="refunds"
      caption={t('caption')}
      columns={ofOneOrder ? COLUMNS.filter(({ key }) => !OF_THE_ORDER.has(key)) : COLUMNS}
      query={query}
      rowsOf={(page) => page.data}
      rowKey={(refund) => refund.id}
      empty={empty}
      footer={footer}
    />
  );
}
