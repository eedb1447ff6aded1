import { useText } from '@/shared/lib/i18n';
import { Panel } from '@/shared/ui/page';
import { words } from '../i18n';
import { usePendingApprovals } from '../queries';
import { Approvals } from './approvals';

/** Requests that wait for a second person, for the first page; nothing where none waits. */
export default function WaitingApprovals() {
  const t = useText(words);
  const { data } = usePendingApprovals();
  if (!data || data.data.length === 0) return null;
  return (
    <Panel title={t('approvals')}>
      <Approvals />
    </Panel>
  );
}
