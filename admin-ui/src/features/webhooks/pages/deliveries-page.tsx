import { Link } from '@tanstack/react-router';
import { useMode } from '@/app/session/use-mode';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { TimeText } from '@/shared/ui/time-text';
import { NEXT_TRY, STANDING } from '../components/columns';
import { SubjectLink } from '../components/subject-link';
import { words } from '../i18n';
import { type Delivery, useDeliveries } from '../queries';
import { DELIVERY_FILTERS } from '../search-params';

const COLUMNS: readonly Column<Delivery>[] = [
  {
    key: 'created',
    title: { zh: '时间', en: 'Time' },
    width: 150,
    render: (delivery) => (
      <Link to="/deliveries/$deliveryId" params={{ deliveryId: delivery.id }}>
        <TimeText at={delivery.created_at} />
      </Link>
    ),
  },
  {
    key: 'type',
    title: { zh: '事件类型', en: 'Event type' },
    render: (delivery) => <span className="mono">{delivery.event_type}</span>,
  },
  ...STANDING,
  {
    key: 'subject',
    title: { zh: '订单或退款', en: 'Order or refund' },
    render: (delivery) => <SubjectLink id={delivery.subject_id} />,
  },
  { key: 'tenant', title: { zh: '租户', en: 'Tenant' }, render: (delivery) => delivery.tenant_name },
  NEXT_TRY,
  {
    key: 'endpoint',
    title: { zh: '端点', en: 'Endpoint' },
    hidden: true,
    render: (delivery) => (
      <Link to="/endpoints/$endpointId" params={{ endpointId: delivery.endpoint_id }} className="mono">
        {delivery.endpoint_id}
      </Link>
    ),
  },
];

/** What tenants were told, and whether it arrived. */
export default function DeliveriesPage() {
  const t = useText(words);
  const { search } = useAddress();
  const mode = useMode(search);
  return (
    <ListPage
      name="deliveries"
      title={t('deliveries')}
      caption={t('deliveriesCaption')}
      never={t('noDeliveries')}
      filters={DELIVERY_FILTERS}
      defaults={{ mode }}
      columns={COLUMNS}
      query={useDeliveries(search, mode)}
      rowKey={(delivery) => delivery.id}
    />
  );
}
