import { Link } from '@tanstack/react-router';
import { Button, Modal } from 'antd';
import { useEffect, useState } from 'react';
import { $api, api } from '@/api/client';
import { problemOf } from '@/api/problem';
import { useCan, useMe } from '@/app/session/use-session';
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

/** What may go back of one order of a tenant without a second person; until the server says, what it said at sign-in. */
function useRefundLimit(tenantId: string, wanted: boolean): bigint {
  const { limits } = useMe();
  const can = useCan();
  const query = { tenant_id: tenantId };
  const enabled = wanted && can('refund:read');
  const { data } = $api.useQuery('get', '/admin/v1/refund-limit', { params: { query } }, { enabled });
  return BigInt(data?.amount ?? limits.refund_without_approval);
}

/** Gives money back: the rest by default, never more, exact to the fen. */
export function RefundDialog({ open, order, onClose }: RefundDialogProps) {
  const t = useText(words);
  const changed = useOrdersChanged();
  const limit = useRefundLimit(order.tenant_id, open);
  const gone = BigInt(order.refunded) + BigInt(order.refunding);
  const left = BigInt(order.paid) - gone;
  const rest = left > 0n ? yuanText(left) : '';
  const [text, setText] = useState(rest);
  const [asked, setAsked] = useState<Asked>();
  useEffect(() => setText(rest), [rest]);
  const amount = parseYuan(text, left);
  const fen = 'fen' in amount ? amount.fen : undefined;
  const needsTwo = fen !== undefined && gone + fen > limit;

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
      const { code, approvalId } = problemOf(thrown);
      if (code !== 'approval_required' || approvalId === undefined) throw thrown;
      setAsked({ approvalId, fen });
      return t('refundAsked');
    } finally {
      await changed();
    }
  }

  return (
    <>
      <DangerDialog
        open={open}
        tier={needsTwo ? 3 : 2}
        title={t('refund')}
        effect={t('refundEffect')}
        act={t(needsTwo ? 'refundAsk' : 'refundAct', { amount: fen === undefined ? '' : formatFen(fen) })}
        target={order.merchant_order_no}
        about={order.id}
        ready={fen !== undefined}
        onConfirm={({ reason, idempotencyKey }) => refund(reason, idempotencyKey)}
        onClose={onClose}
      >
        <Facts
          facts={[
            [t('refundPaid'), <Money key="paid" fen={order.paid} />],
            [t('refundGone'), <Money key="gone" fen={gone} />],
            [t('refundLeft'), <Money key="left" fen={left} strong />],
          ]}
        />
        <TextField
          field="refund"
          label={t('refundAmount')}
          value={text}
          inputMode="decimal"
          error={'fault' in amount ? t(`fault_${amount.fault}`) : undefined}
          hint={t('refundLimit', { amount: formatFen(limit) })}
          onChange={setText}
        />
      </DangerDialog>
      <AskedDialog asked={asked} onClose={() => setAsked(undefined)} />
    </>
  );
}

/** A refund that waits for a second person. */
interface Asked {
  readonly approvalId: string;
  readonly fen: bigint;
}

/** Says that nothing went back yet, who decides, and where. */
function AskedDialog({ asked, onClose }: { asked: Asked | undefined; onClose: () => void }) {
  const t = useText(words);
  return (
    <Modal open={asked !== undefined} title={t('refundWaits')} onCancel={onClose} footer={null} destroyOnHidden>
      {asked && (
        <div className="dialog-form">
          <p>{t('refundWaitsText', { amount: formatFen(asked.fen) })}</p>
          <p>
            <Link to="/inbox/approvals/$approvalId" params={{ approvalId: asked.approvalId }} onClick={onClose}>
              {t('refundWaitsLink')}
            </Link>
          </p>
          <div className="dialog-buttons">
            <Button onClick={onClose}>{t('refundWaitsClose')}</Button>
          </div>
        </div>
      )}
    </Modal>
  );
}
