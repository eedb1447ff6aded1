import { Link, useParams } from '@tanstack/react-router';
import { FoldedChanges } from '@/features/audit';
import { useText } from '@/shared/lib/i18n';
import { IdText } from '@/shared/ui/id-text';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { EndpointActs } from '../components/endpoint-acts';
import { FailureCount, Reason } from '../components/results';
import { words } from '../i18n';
import { type EndpointDetail, useEndpoint } from '../queries';
import { ENDPOINT_STATES } from '../states';

/** One endpoint. */
export default function EndpointPage() {
  const t = useText(words);
  const { endpointId } = useParams({ strict: false }) as { endpointId: string };
  return (
    <ObjectPage title={t('endpoint')} query={useEndpoint(endpointId)}>
      {(detail) => <Whole detail={detail} />}
    </ObjectPage>
  );
}

function Whole({ detail }: { detail: EndpointDetail }) {
  const t = useText(words);
  const { endpoint } = detail;
  return (
    <Page title={endpoint.url} tab={`${t('endpoint')} ${endpoint.url}`}>
      <EndpointActs detail={detail} />
      <Panel
        title={t('facts')}
        extra={
          <Link to="/deliveries" search={{ endpoint_id: endpoint.id, mode: endpoint.mode } as never}>
            {t('allDeliveries')}
          </Link>
        }
      >
        <Facts
          facts={[
            [t('state'), <StatusTag key="state" value={endpoint.state} words={ENDPOINT_STATES} />],
            ...(endpoint.disabled_reason
              ? ([[t('why'), <Reason key="why" code={endpoint.disabled_reason} />]] as const)
              : []),
            [t('tenant'), endpoint.tenant_name],
            [t('description'), endpoint.description || undefined],
            [t('waiting'), endpoint.waiting],
            [t('oldestDue'), <TimeText key="due" at={endpoint.oldest_due_at} />],
            [t('failures'), <FailureCount key="failures" count={endpoint.consecutive_failures} />],
            [t('failing'), <TimeText key="failing" at={endpoint.failing_since} />],
            [t('lastSuccess'), <TimeText key="success" at={endpoint.last_success_at} />],
            [t('created'), <TimeText key="created" at={endpoint.created_at} />],
            [t('events'), endpoint.events.join(', ')],
            [
              t('secrets'),
              <span key="secrets" className="mono">
                {detail.secret_fingerprints.join(' · ')}
              </span>,
            ],
            [t('id'), <IdText key="id" value={endpoint.id} what={t('id')} />],
          ]}
        />
      </Panel>
      <FoldedChanges target={endpoint.id} />
    </Page>
  );
}
