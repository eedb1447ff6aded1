import { Link } from '@tanstack/react-router';
import { useMode } from '@/app/session/use-mode';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { FailureCount } from '../components/results';
import { words } from '../i18n';
import { type Endpoint, useEndpoints } from '../queries';
import { ENDPOINT_FILTERS } from '../search-params';
import { ENDPOINT_STATES } from '../states';

const COLUMNS: readonly Column<Endpoint>[] = [
  {
    key: 'url',
    title: { zh: '地址', en: 'Address' },
    width: 260,
    render: (endpoint) => (
      <Link to="/endpoints/$endpointId" params={{ endpointId: endpoint.id }}>
        {endpoint.url}
      </Link>
    ),
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (endpoint) => <StatusTag value={endpoint.state} words={ENDPOINT_STATES} />,
  },
  { key: 'tenant', title: { zh: '租户', en: 'Tenant' }, render: (endpoint) => endpoint.tenant_name },
  { key: 'waiting', title: { zh: '待投递', en: 'Waiting' }, align: 'right', render: (endpoint) => endpoint.waiting },
  {
    key: 'failures',
    title: { zh: '连续失败', en: 'Failures in a row' },
    align: 'right',
    render: (endpoint) => <FailureCount count={endpoint.consecutive_failures} />,
  },
  {
    key: 'success',
    title: { zh: '最近成功', en: 'Last success' },
    width: 150,
    render: (endpoint) => <TimeText at={endpoint.last_success_at} />,
  },
  {
    key: 'due',
    title: { zh: '最早到期', en: 'Oldest due' },
    width: 150,
    render: (endpoint) => <TimeText at={endpoint.oldest_due_at} />,
  },
  {
    key: 'events',
    title: { zh: '订阅', en: 'Events' },
    hidden: true,
    render: (endpoint) => endpoint.events.join(', '),
  },
];

/** Where tenants are told. */
export default function EndpointsPage() {
  const t = useText(words);
  const { search } = useAddress();
  const mode = useMode(search);
  return (
    <ListPage
      name="endpoints"
      title={t('endpoints')}
      caption={t('endpointsCaption')}
      never={t('noEndpoints')}
      filters={ENDPOINT_FILTERS}
      defaults={{ mode }}
      columns={COLUMNS}
      query={useEndpoints(search, mode)}
      rowKey={(endpoint) => endpoint.id}
    />
  );
}
