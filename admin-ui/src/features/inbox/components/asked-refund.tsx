import { Link } from '@tanstack/react-router';
import { $api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { IdText } from '@/shared/ui/id-text';
import { Money } from '@/shared/ui/money';
import { Facts, Panel } from '@/shared/ui/page';
import { type Approval, askedFen } from '../content';
import { words } from '../i18n';

/** What a refund above the limit is about: how much, of which order, beside what went back before. */
export function AskedRefund({ approval }: { approval: Approval }) {
  const t = useText(words);
  const can = useCan();
  const fen = askedFen(approval);
  const enabled = fen !== undefined && can('order:read');
  const params = { path: { order_id: approval.target } };
  const { data } = $api.useQuery('get', '/admin/v1/orders/{order_id}', { params }, { enabled });
  if (fen === undefined) return null;
  const order = data?.order;
  return (
    <Panel title={t('refund')}>
      <Facts
        facts={[
          [t('refundAmount'), <Money key="amount" fen={fen} strong />],
          [
            t('refundOrder'),
            order ? (
              <Link key="order" to="/orders/$orderId" params={{ orderId: order.id }}>
                {order.merchant_order_no}
              </Link>
            ) : (
              <IdText key="order" value={approval.target} what={t('refundOrder')} />
            ),
          ],
          ...(order
            ? ([
                [t('refundMerchant'), `${order.sub_merchant_name} ${order.sub_mchid} · ${order.tenant_name}`],
                [t('refundPaid'), <Money key="paid" fen={order.paid} />],
                [t('refundGone'), <Money key="gone" fen={BigInt(order.refunded) + BigInt(order.refunding)} />],
              ] as const)
            : []),
        ]}
      />
    </Panel>
  );
}
