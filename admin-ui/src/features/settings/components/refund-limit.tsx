import { Button, Skeleton } from 'antd';
import { useState } from 'react';
import { api } from '@/api/client';
import type { components } from '@/api/schema';
import type { Tagged } from '@/api/tagged';
import { useCan, useMe } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { parseYuan, toJsonFen, yuanText } from '@/shared/lib/money';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { Money } from '@/shared/ui/money';
import { Facts, Panel } from '@/shared/ui/page';
import { ProblemView } from '@/shared/ui/problem-view';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { useLimitsChanged, useRefundLimit } from '../queries';

type Limit = Tagged<components['schemas']['RefundLimit']>;

/** Above what a refund needs a second person: for a tenant, or for all that have no limit of their own. */
export function RefundLimit({ tenantId }: { tenantId?: string }) {
  const t = useText(words);
  const can = useCan();
  const { tenant } = useMe();
  const query = useRefundLimit(tenantId);
  const [editing, setEditing] = useState(false);
  // Members of a tenant do not choose what is watched over them.
  const mayEdit = can('refund:approve') && !tenant && query.data;
  return (
    <Panel title={t('refundLimit')} extra={mayEdit && <Button onClick={() => setEditing(true)}>{t('edit')}</Button>}>
      {query.data && <LimitFacts limit={query.data} />}
      {query.error && <ProblemView error={query.error} onRetry={() => query.refetch()} />}
      {!query.data && !query.error && <Skeleton paragraph={{ rows: 1 }} />}
      <p className="hint">{t('meaning')}</p>
      {query.data && (
        <EditDialog
          key={query.data.etag}
          open={editing}
          limit={query.data}
          tenantId={tenantId}
          onClose={() => setEditing(false)}
        />
      )}
    </Panel>
  );
}

function LimitFacts({ limit: { value } }: { limit: Limit }) {
  const t = useText(words);
  const ofTenant = value.tenant_id !== undefined;
  const whose = value.own ? t(ofTenant ? 'own' : 'ownPlatform') : t(ofTenant ? 'inherited' : 'byProgram');
  return (
    <Facts
      facts={[
        [t('amount'), <Money key="amount" fen={value.amount} strong />],
        [t('whose'), whose],
      ]}
    />
  );
}

interface EditDialogProps {
  readonly open: boolean;
  readonly limit: Limit;
  readonly tenantId: string | undefined;
  readonly onClose: () => void;
}

function EditDialog({ open, limit, tenantId, onClose }: EditDialogProps) {
  const t = useText(words);
  const changed = useLimitsChanged();
  const [text, setText] = useState(yuanText(BigInt(limit.value.amount)));
  const amount = parseYuan(text);
  const fen = 'fen' in amount ? amount.fen : undefined;
  return (
    <DangerDialog
      open={open}
      tier={2}
      title={t('edit')}
      effect={t('editEffect')}
      act={t('edit')}
      target={tenantId ?? 'refund_limit'}
      ready={fen !== undefined}
      onConfirm={async ({ reason }) => {
        if (fen === undefined) throw new Error('the amount was checked before');
        await api.PATCH('/admin/v1/refund-limit', {
          params: { query: { tenant_id: tenantId }, header: { 'If-Match': limit.etag } },
          body: { amount: toJsonFen(fen), reason },
        });
        await changed();
        return t('saved');
      }}
      onClose={onClose}
    >
      <TextField
        field="amount"
        label={t('newAmount')}
        value={text}
        inputMode="decimal"
        error={'fault' in amount ? t(`fault_${amount.fault}`) : undefined}
        onChange={setText}
      />
    </DangerDialog>
  );
}
