import { useNavigate } from '@tanstack/react-router';
import { type Mode, useMode } from '@/app/session/use-mode';
import { useCan, useMe } from '@/app/session/use-session';
import { WaitingApprovals } from '@/features/inbox';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { beijingDay } from '@/shared/lib/time';
import { Empty } from '@/shared/ui/empty';
import { Page, Panel } from '@/shared/ui/page';
import { ProblemView } from '@/shared/ui/problem-view';
import { MoneyByDay, NotificationLag, SuccessByMerchant, WebhookFailures } from '../components/charts';
import { Differences, EndingKeys, Hosts, OpenRefunds } from '../components/lists';
import { StatusStrip } from '../components/status-strip';
import { Tiles } from '../components/tiles';
import { words } from '../i18n';
import { useDays, useHealth, useInboxCount, useMerchants, useSystem } from '../queries';

/** What is wrong now, what waits, and how much. */
export default function OverviewPage() {
  const t = useText(words);
  const can = useCan();
  const { staff } = useMe();
  const { search } = useAddress();
  const mode = useMode(search);
  return (
    <Page title={t('title')}>
      {can('statistics:read') ? <Board mode={mode} /> : <Empty text={t('hello', { name: staff.name })} />}
    </Page>
  );
}

const DAYS = 30;

function Board({ mode }: { mode: Mode }) {
  const can = useCan();
  const days = useDays(mode, DAYS);
  const health = useHealth(mode);
  const system = useSystem(can('system:read'));
  const inbox = useInboxCount(can('order:read'));
  const waiting = inbox.data ? inbox.data.alarms + inbox.data.held_payments : undefined;
  const today = days.data?.data.find((day) => day.key === beijingDay(Date.now()));
  const error = days.error ?? health.error;
  return (
    <>
      <StatusStrip system={system.data} health={health.data} waiting={waiting ?? 0} />
      {error && <ProblemView error={error} onRetry={() => void Promise.all([days.refetch(), health.refetch()])} />}
      <WaitingApprovals />
      <Tiles today={today} known={days.data !== undefined} health={health.data} waiting={waiting} />
      {days.data && (
        <Panel>
          <MoneyByDay days={days.data.data} />
        </Panel>
      )}
      <Charts mode={mode} />
    </>
  );
}

function Charts({ mode }: { mode: Mode }) {
  const navigate = useNavigate();
  const merchants = useMerchants(mode);
  const { data: health } = useHealth(mode);
  const openMerchant = (mchid: string) => void navigate({ to: '/orders', search: { sub_mchid: mchid } as never });
  const openEndpoint = (id: string) => void navigate({ to: `/endpoints/${id}` });
  return (
    <div className="grid-2">
      {merchants.data && (
        <Panel>
          <SuccessByMerchant mode={mode} merchants={merchants.data.data} onOpen={openMerchant} />
        </Panel>
      )}
      {health && (
        <>
          <Panel>
            <WebhookFailures mode={mode} health={health} onOpen={openEndpoint} />
          </Panel>
          <Panel>
            <NotificationLag health={health} />
          </Panel>
          <Panel>
            <Hosts health={health} />
          </Panel>
          <Panel>
            <OpenRefunds health={health} />
          </Panel>
          <Panel>
            <Differences health={health} />
          </Panel>
          <Panel>
            <EndingKeys health={health} />
          </Panel>
        </>
      )}
    </div>
  );
}
