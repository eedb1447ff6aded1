import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { problemOf } from '@/api/problem';
import { useMe } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { formatFen, parseYuan, toJsonFen, yuanText } from '@/shared/lib/money';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { Money } from '@/shared/ui/money';
import { Facts } from '@/shared/ui/page';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type ListedOrder, useOrdersChanged } from '../queries';

interface RefundDialogProps {
  readonly open: boolean;
  readonly order: ListedOrder;
  readonly onClose: () => void;
}

/** Gives money back: the rest by default, never more, exact to the fen. */
export function RefundDialog({ open, order, onClose }: RefundDialogProps) {
  const t = useText(words);
  const changed = useOrdersChanged();
  const { limits } = useMe();
  const left = BigInt(order.paid) - BigInt(order.refunded) - BigInt(order.refunding);
  const rest = left > 0n ? yuanText(left) : '';
  const [text, setText] = useState(rest);
  useEffect(() => setText(rest), [rest]);
  const amount = parseYuan(text, left);
  const fen = 'fen' in amount ? amount.fen : undefined;
  const needsTwo = fen !== undefined && fen > BigInt(limits.refund_without_approval);

  async function refund(reason: string, idempotencyKey: string): Promise<string> {
    if (fen === undefined) throw new Error('the amount was checked before');
    try {
      await api.POST('/admin/v1/orders/{order_id}/refunds', {
        params: { path: { order_id: order.id }, header: { 'Idempotency-Key': idempotencyKey } },
        body: { refund: toJsonFen(fen), reason },
      });
      return t('refundAccepted');
    } catch (thrown) {
      // The request is on record and waits for a second person; nothing failed.
      if (problemOf(thrown).code !== 'approval_required') throw thrown;
      return t('refundAsked');
    } finally {
      await changed();
    }
  }

  return (
    <DangerDialog
      open={open}
      tier={needsTwo ? 3 : 2}
      title={t('refund')}
      effect={t('refundEffect')}
      act={t('refundAct', { amount: fen === undefined ? '' : formatFen(fen) })}
      target={order.merchant_order_no}
      ready={fen !== undefined}
      onConfirm={({ reason, idempotencyKey }) => refund(reason, idempotencyKey)}
      onClose={onClose}
    >
      <Facts
        facts={[
          [t('refundPaid'), <Money key="paid" fen={order.paid} />],
          [t('refundGone'), <Money key="gone" fen={BigInt(order.refunded) + BigInt(order.refunding)} />],
          [t('refundLeft'), <Money key="left" fen={left} strong />],
        ]}
      />
      <TextField
        label={t('refundAmount')}
        value={text}
        inputMode="decimal"
        error={'fault' in amount ? t(`fault_${amount.fault}`) : undefined}
        hint={t('refundLimit', { amount: formatFen(limits.refund_without_approval) })}
        onChange={setText}
      />
    </DangerDialog>
  );
}
