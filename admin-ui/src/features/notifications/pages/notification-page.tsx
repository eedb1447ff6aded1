import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '@/api/client';
import { ProviderName } from '@/app/session/names';
import { useLabel, useText } from '@/shared/lib/i18n';
import type { Tone } from '@/shared/theme/tokens';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { IdText } from '@/shared/ui/id-text';
import { JsonView } from '@/shared/ui/json-view';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { ShortId } from '@/shared/ui/short-id';
import { StatusTag, ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { Verdict } from '../components/verdict';
import { words } from '../i18n';
import { useNotification, useNotificationsChanged, type Whole } from '../queries';
import { CHECKS, NOTIFICATION_STATES } from '../states';

/** One notification as it came, check by check. */
export default function NotificationPage() {
  const t = useText(words);
  const { notificationId } = useParams({ strict: false }) as { notificationId: string };
  return (
    <ObjectPage title={t('one')} query={useNotification(notificationId)}>
      {(whole) => <Detail whole={whole} />}
    </ObjectPage>
  );
}

function Detail({ whole }: { whole: Whole }) {
  const t = useText(words);
  const changed = useNotificationsChanged();
  const [asking, setAsking] = useState(false);
  const { notification } = whole;
  return (
    <Page title={`${t('one')} ${notification.event_type}`}>
      <ActionBar
        actions={whole.actions}
        buttons={[{ name: 'reprocess', label: { zh: '重新处理', en: 'Process again' }, act: () => setAsking(true) }]}
      />
      <NotificationFacts whole={whole} />
      <Panel title={t('checks')}>
        <Checks whole={whole} />
      </Panel>
      <Panel title={t('headers')}>
        {whole.headers.length === 0 ? (
          <p className="faint">{t('noHeaders')}</p>
        ) : (
          <Facts
            rows
            facts={whole.headers.map(({ name, value }) => [
              name,
              <span key={name} className="mono break">
                {value}
              </span>,
            ])}
          />
        )}
      </Panel>
      <Panel title={t('body')}>
        <JsonView value={whole.body} what={t('body')} />
      </Panel>
      <DangerDialog
        open={asking}
        tier={1}
        title={t('reprocess')}
        effect={t('reprocessEffect')}
        act={t('reprocess')}
        target={notification.id}
        onConfirm={async () => {
          await api.POST('/admin/v1/notifications/{notification_id}/reprocess', {
            params: { path: { notification_id: notification.id } },
          });
          await changed();
          return t('reprocessed');
        }}
        onClose={() => setAsking(false)}
      />
    </Page>
  );
}

/** In order; the first that fails says why it was not applied. */
function Checks({ whole }: { whole: Whole }) {
  const t = useText(words);
  const label = useLabel();
  return (
    <ol className="stack plain-list">
      {whole.checks.map((check) => {
        const name = CHECKS[check.name];
        const [tone, word]: [Tone, string] =
          check.holds === undefined ? ['idle', t('unsure')] : check.holds ? ['ok', t('holds')] : ['bad', t('fails')];
        return (
          <li key={check.name} className="row">
            <ToneTag tone={tone}>{word}</ToneTag>
            <span>{name ? label(name) : check.name}</span>
          </li>
        );
      })}
    </ol>
  );
}

function NotificationFacts({ whole }: { whole: Whole }) {
  const t = useText(words);
  const { notification } = whole;
  return (
    <Panel title={t('facts')}>
      <Facts
        facts={[
          [t('state'), <StatusTag key="state" value={notification.state} words={NOTIFICATION_STATES} />],
          [t('verdict'), <Verdict key="verdict" code={notification.verdict} />],
          [
            t('order'),
            notification.order_id && (
              <Link key="order" to="/orders/$orderId" params={{ orderId: notification.order_id }}>
                <ShortId id={notification.order_id} />
              </Link>
            ),
          ],
          [t('noticeId'), <IdText key="notice" value={notification.notice_id} what={t('noticeId')} />],
          [t('provider'), <ProviderName key="provider" id={notification.provider_id} />],
          [t('tries'), notification.tries],
          [t('nextTry'), <TimeText key="next" at={notification.next_try_at} />],
          [t('received'), <TimeText key="received" at={notification.received_at} exact />],
          [
            t('hash'),
            <span key="hash" className="mono break">
              {notification.body_sha256}
            </span>,
          ],
          [t('id'), <IdText key="id" value={notification.id} what={t('id')} />],
        ]}
      />
    </Panel>
  );
}
