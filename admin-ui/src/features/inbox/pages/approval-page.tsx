import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { ActorName } from '@/app/session/names';
import { useLabel, useText } from '@/shared/lib/i18n';
import { formatFen } from '@/shared/lib/money';
import { actionOf } from '@/shared/lib/permission';
import { useShortcuts } from '@/shared/lib/shortcuts';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { IdText } from '@/shared/ui/id-text';
import { JsonView } from '@/shared/ui/json-view';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { AskedRefund } from '../components/asked-refund';
import { TargetLink } from '../components/target-link';
import { type Approval, askedFen } from '../content';
import { words } from '../i18n';
import { APPROVAL_KINDS, APPROVAL_STATES } from '../states';

type Act = 'approve' | 'reject';

/** One request: what is asked for, and the decision. */
export default function ApprovalPage() {
  const t = useText(words);
  const { approvalId } = useParams({ strict: false }) as { approvalId: string };
  const query = $api.useQuery('get', '/admin/v1/approvals/{approval_id}', {
    params: { path: { approval_id: approvalId } },
  });
  return (
    <ObjectPage title={t('approval')} query={query}>
      {(approval) => <Whole approval={approval} />}
    </ObjectPage>
  );
}

function Whole({ approval }: { approval: Approval }) {
  const t = useText(words);
  const label = useLabel();
  return (
    <Page title={`${t('approval')}: ${label(APPROVAL_KINDS[approval.kind])}`}>
      <Deciding approval={approval} />
      <AskedRefund approval={approval} />
      <Panel title={t('facts')}>
        <Facts
          facts={[
            [t('state'), <StatusTag key="state" value={approval.state} words={APPROVAL_STATES} />],
            [t('target'), <TargetLink key="target" approval={approval} />],
            [t('requestedBy'), <ActorName key="by" actor={approval.requested_by} />],
            [t('reason'), approval.reason],
            [t('created'), <TimeText key="created" at={approval.created_at} />],
            [t('expires'), <TimeText key="expires" at={approval.expires_at} />],
            ...(approval.decided_by
              ? ([
                  [t('decidedBy'), <ActorName key="decider" actor={approval.decided_by} />],
                  [t('decisionReason'), approval.decision_reason],
                  [t('decided'), <TimeText key="decided" at={approval.decided_at} />],
                  [t('outcome'), approval.outcome],
                ] as const)
              : []),
            [t('id'), <IdText key="id" value={approval.id} what={t('id')} />],
          ]}
        />
      </Panel>
      <Panel title={t('content')}>
        <JsonView value={approval.content} what={t('content')} />
      </Panel>
    </Page>
  );
}

function Deciding({ approval }: { approval: Approval }) {
  const t = useText(words);
  const queries = useQueryClient();
  const [act, setAct] = useState<Act>();
  const fen = askedFen(approval);
  const approve = fen === undefined ? t('approve') : t('approveRefund', { amount: formatFen(fen) });
  useShortcuts({ a: () => actionOf(approval.actions, 'approve')?.allowed && setAct('approve') });

  async function decide(reason: string): Promise<string> {
    const call = { params: { path: { approval_id: approval.id } }, body: { reason } };
    if (act === 'approve') await api.POST('/admin/v1/approvals/{approval_id}/approve', call);
    else await api.POST('/admin/v1/approvals/{approval_id}/reject', call);
    await queries.invalidateQueries();
    return act === 'approve' ? t('approved') : t('rejected');
  }

  return (
    <>
      <ActionBar
        actions={approval.actions}
        buttons={[
          { name: 'approve', label: { zh: '批准', en: 'Approve' }, primary: true, act: () => setAct('approve') },
          { name: 'reject', label: { zh: '拒绝', en: 'Reject' }, danger: true, act: () => setAct('reject') },
        ]}
      />
      <DangerDialog
        open={act !== undefined}
        tier={2}
        title={act === 'reject' ? t('reject') : t('approve')}
        effect={act === 'reject' ? t('rejectEffect') : t('approveEffect')}
        act={act === 'reject' ? t('reject') : approve}
        target={approval.target}
        onConfirm={({ reason }) => decide(reason)}
        onClose={() => setAct(undefined)}
      />
    </>
  );
}
