import { Link } from '@tanstack/react-router';
import type { Column } from '@/shared/ui/data-table';
import { IdText } from '@/shared/ui/id-text';
import { Money } from '@/shared/ui/money';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import type { ListedOrder } from '../queries';
import { ORDER_STATES, TOLD_STATES } from '../states';

/** The columns of the list of orders. */
export const COLUMNS: readonly Column<ListedOrder>[] = [
  {
    key: 'number',
    title: { zh: '商户订单号', en: 'Order number' },
    width: 180,
    render: (order) => (
      <IdText value={order.merchant_order_no} what="merchant_order_no">
        <Link to="/orders/$orderId" params={{ orderId: order.id }}>
          {order.merchant_order_no}
        </Link>
      </IdText>
    ),
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (order) => <StatusTag value={order.state} words={ORDER_STATES} />,
  },
  {
    key: 'total',
    title: { zh: '金额', en: 'Amount' },
    align: 'right',
    render: (order) => <Money fen={order.total} strong />,
  },
  {
    key: 'refunded',
    title: { zh: '已退', en: 'Refunded' },
    align: 'right',
    render: (order) => (order.refunded > 0 ? <Money fen={order.refunded} /> : '—'),
  },
  {
    key: 'merchant',
    title: { zh: '特约商户', en: 'Sub-merchant' },
    render: (order) => (
      <span title={order.sub_mchid}>
        {order.sub_merchant_name} <span className="faint mono">{order.sub_mchid}</span>
      </span>
    ),
  },
  { key: 'tenant', title: { zh: '租户', en: 'Tenant' }, render: (order) => order.tenant_name },
  {
    key: 'told',
    title: { zh: '投递', en: 'Webhook' },
    render: (order) => <StatusTag value={order.webhook.state} words={TOLD_STATES} />,
  },
  {
    key: 'created',
    title: { zh: '下单时间', en: 'Ordered' },
    width: 150,
    render: (order) => <TimeText at={order.created_at} />,
  },
  {
    key: 'paid',
    title: { zh: '支付时间', en: 'Paid' },
    width: 150,
    render: (order) => <TimeText at={order.paid_at} />,
  },
  {
    key: 'transaction',
    title: { zh: '微信订单号', en: 'WeChat transaction' },
    render: (order) =>
      order.transaction_id ? (
        <IdText value={order.transaction_id} what="transaction_id" />
      ) : (
        <span className="faint">—</span>
      ),
  },
  {
    key: 'out_trade_no',
    title: { zh: 'out_trade_no', en: 'out_trade_no' },
    hidden: true,
    render: (order) => <span className="mono">{order.out_trade_no ?? '—'}</span>,
  },
  { key: 'method', title: { zh: '方式', en: 'Method' }, hidden: true, render: (order) => order.trade_type ?? '—' },
];
