import { Button } from 'antd';
import { useState } from 'react';
import { api } from '@/api/client';
import { ActorName } from '@/app/session/names';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { IdText } from '@/shared/ui/id-text';
import { Money } from '@/shared/ui/money';
import { Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { type LatePayment, useOrdersChanged } from '../queries';
import { LATE_KINDS, LATE_STATES } from '../states';

interface Choice {
  readonly late: LatePayment;
  readonly decision: 'accept' | 'refund';
}

/** Money that came late, twice or with another amount, and the decision about what is held. */
export function LatePayments({ late }: { late: readonly LatePayment[] }) {
  const t = useText(words);
  const changed = useOrdersChanged();
  const [choice, setChoice] = useState<Choice>();
  if (late.length === 0) return null;
  const accepting = choice?.decision === 'accept';
  return (
    <Panel title={t('late')}>
      <ul className="stack">
        {late.map((each) => (
          <LateRow key={each.id} late={each} onChoose={(decision) => setChoice({ late: each, decision })} />
        ))}
      </ul>
      <DangerDialog
        open={choice !== undefined}
        tier={2}
        title={accepting ? t('accept') : t('giveBack')}
        effect={accepting ? t('acceptEffect') : t('giveBackEffect')}
        act={accepting ? t('accept') : t('giveBack')}
        target={choice?.late.transaction_id ?? ''}
        onConfirm={async ({ reason }) => {
          if (choice)
            await api.POST('/admin/v1/late-payments/{late_payment_id}/decide', {
              params: { path: { late_payment_id: choice.late.id } },
              body: { decision: choice.decision, reason },
            });
          await changed();
          return t('decided');
        }}
        onClose={() => setChoice(undefined)}
      />
    </Panel>
  );
}

function LateRow({ late, onChoose }: { late: LatePayment; onChoose: (decision: Choice['decision']) => void }) {
  const t = useText(words);
  const label = useLabel();
  const can = useCan();
  const kind = LATE_KINDS[late.kind];
  return (
    <li className="row">
      <StatusTag value={late.state} words={LATE_STATES} />
      <span>{kind ? label(kind) : late.kind}</span>
      <Money fen={late.total} strong />
      <TimeText at={late.paid_at} />
      <IdText value={late.transaction_id} what={t('transaction')} />
      {late.decided_by && (
        <span className="hint">
          <ActorName actor={late.decided_by} />: {late.reason}
        </span>
      )}
      {late.state === 'held' && can('late_payment:decide') && (
        <>
          <Button onClick={() => onChoose('accept')}>{t('accept')}</Button>
          <Button danger onClick={() => onChoose('refund')}>
            {t('giveBack')}
          </Button>
        </>
      )}
    </li>
  );
}
