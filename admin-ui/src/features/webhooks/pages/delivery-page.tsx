import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useText } from '@/shared/lib/i18n';
import { actionOf } from '@/shared/lib/permission';
import { useShortcuts } from '@/shared/lib/shortcuts';
import { ActionBar } from '@/shared/ui/action-bar';
import { IdText } from '@/shared/ui/id-text';
import { JsonView } from '@/shared/ui/json-view';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { Attempts } from '../components/attempts';
import { ReplayDialog } from '../components/replay-dialog';
import { LastResult } from '../components/results';
import { SignatureComparer } from '../components/signature-comparer';
import { SubjectLink } from '../components/subject-link';
import { words } from '../i18n';
import { type DeliveryDetail, useDelivery } from '../queries';
import { DELIVERY_STATES } from '../states';

/** One delivery, inspected. */
export default function DeliveryPage() {
  const t = useText(words);
  const { deliveryId } = useParams({ strict: false }) as { deliveryId: string };
  return (
    <ObjectPage title={t('delivery')} query={useDelivery(deliveryId)}>
      {(detail) => <Whole detail={detail} />}
    </ObjectPage>
  );
}

function Whole({ detail }: { detail: DeliveryDetail }) {
  const t = useText(words);
  const [replaying, setReplaying] = useState(false);
  const { delivery } = detail;
  useShortcuts({ r: () => actionOf(detail.actions, 'replay')?.allowed && setReplaying(true) });
  return (
    <Page title={`${t('delivery')} ${delivery.event_type}`}>
      <ActionBar
        actions={detail.actions}
        buttons={[{ name: 'replay', label: { zh: '重放', en: 'Replay' }, act: () => setReplaying(true) }]}
      />
      <DeliveryFacts detail={detail} />
      <Panel title={t('attempts')}>
        <Attempts attempts={detail.attempts} />
      </Panel>
      <Panel title={t('compare')}>
        <SignatureComparer headers={detail.attempts.at(-1)?.request_headers} />
      </Panel>
      <Panel title={t('body')}>
        <JsonView value={detail.body} what={t('body')} />
      </Panel>
      <ReplayDialog
        open={replaying}
        deliveryId={delivery.id}
        to={detail.url ?? delivery.endpoint_id}
        onClose={() => setReplaying(false)}
      />
    </Page>
  );
}

function DeliveryFacts({ detail }: { detail: DeliveryDetail }) {
  const t = useText(words);
  const { delivery } = detail;
  return (
    <Panel title={t('facts')}>
      <Facts
        facts={[
          [t('state'), <StatusTag key="state" value={delivery.state} words={DELIVERY_STATES} />],
          [t('lastStatus'), <LastResult key="last" delivery={delivery} />],
          [t('attemptsCount'), delivery.attempts],
          [t('nextTry'), <TimeText key="next" at={delivery.next_attempt_at} />],
          [
            t('url'),
            <Link key="url" to="/endpoints/$endpointId" params={{ endpointId: delivery.endpoint_id }}>
              {detail.url ?? delivery.endpoint_id}
            </Link>,
          ],
          [t('subject'), <SubjectLink key="subject" id={delivery.subject_id} />],
          [t('tenant'), delivery.tenant_name],
          [t('event'), <IdText key="event" value={delivery.event_id} what={t('event')} />],
          [t('created'), <TimeText key="created" at={delivery.created_at} />],
          [t('finished'), <TimeText key="finished" at={delivery.finished_at} />],
          [t('id'), <IdText key="id" value={delivery.id} what={t('id')} />],
        ]}
      />
    </Panel>
  );
}
