import { $api } from '@/api/client';
import { RefundTable } from '@/features/refunds';
import { useText } from '@/shared/lib/i18n';
import { Empty } from '@/shared/ui/empty';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { Order } from '../queries';
import { ATTEMPT_STATES } from '../states';

/** The refunds of the order. */
export function OrderRefunds({ detail }: { detail: Order }) {
  const t = useText(words);
  const { id, mode } = detail.order;
  const query = $api.useQuery('get', '/admin/v1/refunds', {
    params: { query: { order_id: id, mode: mode as 'live' | 'test' } },
  });
  return <RefundTable ofOneOrder query={query} empty={<Empty text={t('noRefunds')} />} />;
}

/** The prepays of the order, oldest first. */
export function Attempts({ detail }: { detail: Order }) {
  return (
    <ul className="stack">
      {detail.attempts.map((attempt) => (
        <li key={attempt.id} className="row">
          <StatusTag value={attempt.state} words={ATTEMPT_STATES} />
          <span className="mono">{attempt.out_trade_no}</span>
          <TimeText at={attempt.created_at} />
        </li>
      ))}
    </ul>
  );
}
