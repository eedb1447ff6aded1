import { useCan } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { Page, Panel } from '@/shared/ui/page';
import { Alarms } from '../components/alarms';
import { Approvals } from '../components/approvals';
import { HeldMoney } from '../components/held-money';
import { words } from '../i18n';

/** Everything that waits, by what it is. */
export default function InboxPage() {
  const t = useText(words);
  const can = useCan();
  return (
    <Page title={t('title')}>
      <Panel title={t('approvals')}>
        <Approvals />
      </Panel>
      {can('order:read') && (
        <>
          <Panel title={t('held')}>
            <HeldMoney />
          </Panel>
          <Panel title={t('alarms')}>
            <Alarms />
          </Panel>
        </>
      )}
    </Page>
  );
}
