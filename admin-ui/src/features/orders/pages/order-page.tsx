import { useParams } from '@tanstack/react-router';
import { Tabs } from 'antd';
import { useCan } from '@/app/session/use-session';
import { Changes } from '@/features/audit';
import { Told } from '@/features/webhooks';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { JsonView } from '@/shared/ui/json-view';
import { ObjectPage } from '@/shared/ui/object-page';
import { Page, Panel } from '@/shared/ui/page';
import { CashierLink } from '../components/cashier-link';
import { LatePayments } from '../components/late-payments';
import { Attempts, OrderRefunds } from '../components/lists';
import { Notes } from '../components/notes';
import { OrderActs } from '../components/order-acts';
import { OrderHead, ProblemBanner } from '../components/order-head';
import { Timeline } from '../components/timeline';
import { words } from '../i18n';
import { type Order, useOrder } from '../queries';

/** One order, explained. */
export default function OrderPage() {
  const t = useText(words);
  const { orderId } = useParams({ strict: false }) as { orderId: string };
  const query = useOrder(orderId);
  return (
    <ObjectPage title={t('title')} query={query}>
      {(detail) => <Whole detail={detail} />}
    </ObjectPage>
  );
}

function Whole({ detail }: { detail: Order }) {
  const t = useText(words);
  const address = useAddress();
  const { order } = detail;
  const can = useCan();
  const title = `${t('one')} ${order.merchant_order_no}`;
  return (
    <Page title={title} tab={`${title} · ${order.sub_merchant_name}`}>
      <ProblemBanner problems={detail.problems} />
      <OrderActs detail={detail} />
      <CashierLink url={detail.cashier_url} />
      <OrderHead detail={detail} />
      <LatePayments late={detail.late_payments} />
      <Panel>
        <Tabs
          activeKey={address.search.tab ?? 'timeline'}
          onChange={(tab) => address.change({ tab: tab === 'timeline' ? undefined : tab })}
          destroyOnHidden
          items={[
            {
              key: 'timeline',
              label: t('timeline'),
              children: <Timeline order={order} address={address} />,
            },
            {
              key: 'refunds',
              label: `${t('refunds')} ${detail.refunds.length}`,
              children: <OrderRefunds detail={detail} />,
            },
            ...(can('webhook:read')
              ? [{ key: 'told', label: t('deliveries'), children: <Told subjectId={order.id} mode={order.mode} /> }]
              : []),
            { key: 'attempts', label: t('attempts'), children: <Attempts detail={detail} /> },
            { key: 'notes', label: `${t('notes')} ${detail.notes.length}`, children: <Notes detail={detail} /> },
            ...(can('audit:read')
              ? [{ key: 'changes', label: t('changes'), children: <Changes target={order.id} /> }]
              : []),
            { key: 'raw', label: t('raw'), children: <JsonView value={detail} what={t('raw')} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}
