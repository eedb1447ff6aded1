import { $api } from '@/api/client';
import type { components } from '@/api/schema';
import { useProviderNames } from '@/app/session/names';
import { type Label, useLabel, useText } from '@/shared/lib/i18n';
import { beijing } from '@/shared/lib/time';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { DATABASES, LEASES, QUEUES } from '../states';

type System = components['schemas']['SystemObject'];

const EVERY_MS = 10_000;

/** Version, queues, what is stuck, who leads what. */
export default function SystemPage() {
  const t = useText(words);
  const query = $api.useQuery('get', '/admin/v1/system', {}, { refetchInterval: EVERY_MS });
  return (
    <ObjectPage title={t('title')} query={query}>
      {(state) => <Whole state={state} />}
    </ObjectPage>
  );
}

function Whole({ state }: { state: System }) {
  const t = useText(words);
  const label = useLabel();
  const providers = useProviderNames();
  const word = (known: Readonly<Record<string, Label>>, name: string) => (known[name] ? label(known[name]) : name);
  const leaseName = (name: string) => {
    const [task = name, whose] = name.split(':');
    const owner = whose && (providers.find(({ id }) => id === whose)?.name ?? whose);
    return [word(LEASES, task), owner].filter(Boolean).join(' · ');
  };
  return (
    <Page title={t('title')}>
      <Panel title={t('facts')}>
        <Facts
          facts={[
            [t('version'), state.version],
            [t('database'), DATABASES[state.database] ?? state.database],
            [
              t('schema'),
              <ToneTag key="schema" tone={state.migrated ? 'ok' : 'bad'}>
                {state.migrated ? t('upToDate') : t('outdated')}
              </ToneTag>,
            ],
            [t('serverTime'), <TimeText key="time" at={state.server_time} />],
          ]}
        />
      </Panel>
      <Panel title={t('queues')}>
        <Facts
          facts={state.queues.map((queue) => [
            word(QUEUES, queue.name),
            queue.oldest_due_at ? t('due', { count: queue.due, time: beijing(queue.oldest_due_at) }) : t('idle'),
          ])}
        />
      </Panel>
      <Panel title={t('stuck')}>
        {state.stuck.every(({ count }) => count === 0) ? (
          <ToneTag tone="ok">{t('nothingStuck')}</ToneTag>
        ) : (
          <Facts facts={state.stuck.map(({ name, count }) => [word(QUEUES, name), count])} />
        )}
      </Panel>
      <Panel title={t('leases')}>
        {state.leases.length === 0 ? (
          <p className="faint">{t('none')}</p>
        ) : (
          <Facts
            facts={state.leases.map((lease) => [
              leaseName(lease.name),
              t('heldUntil', { owner: lease.owner, time: beijing(lease.held_until) }),
            ])}
          />
        )}
      </Panel>
    </Page>
  );
}
