import { useState } from 'react';
import { api } from '@/api/client';
import { useStaffNames } from '@/app/session/names';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { NamedField } from '@/shared/ui/named-field';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type Difference, useFinanceChanged } from '../queries';

export interface DifferenceAct {
  readonly kind: 'explain' | 'assign' | 'close';
  readonly difference: Difference;
}

/** The dialogs of a difference. */
export function DifferenceActs({ act, onClose }: { act: DifferenceAct | undefined; onClose: () => void }) {
  const t = useText(words);
  const changed = useFinanceChanged();
  const colleagues = useStaffNames();
  const [text, setText] = useState('');
  const params = { path: { discrepancy_id: act?.difference.id ?? '' } };
  const target = act?.difference.number ?? '';
  const done = async (said: string) => {
    await changed();
    setText('');
    return said;
  };
  return (
    <>
      <DangerDialog
        open={act?.kind === 'explain'}
        tier={2}
        title={t('explain')}
        effect={t('explainEffect')}
        act={t('explain')}
        target={target}
        ready={text.trim() !== ''}
        onConfirm={async ({ reason }) => {
          await api.POST('/admin/v1/discrepancies/{discrepancy_id}/explain', {
            params,
            body: { reason, evidence: text.trim() },
          });
          return done(t('explained'));
        }}
        onClose={onClose}
      >
        <TextField field="evidence" label={t('evidence')} value={text} lines={3} onChange={setText} />
      </DangerDialog>
      <DangerDialog
        open={act?.kind === 'assign'}
        tier={0}
        title={t('assign')}
        effect={t('assignEffect')}
        act={t('assign')}
        target={target}
        ready={text.trim() !== ''}
        onConfirm={async () => {
          await api.POST('/admin/v1/discrepancies/{discrepancy_id}/assign', {
            params,
            body: { assignee: text.trim() },
          });
          return done(t('assigned'));
        }}
        onClose={onClose}
      >
        <NamedField field="assignee" label={t('assignee')} value={text} names={colleagues} onChange={setText} />
      </DangerDialog>
      <DangerDialog
        open={act?.kind === 'close'}
        tier={2}
        title={t('closeOne')}
        effect={t('closeOneEffect')}
        act={t('closeOne')}
        target={target}
        onConfirm={async ({ reason }) => {
          await api.POST('/admin/v1/discrepancies/{discrepancy_id}/close', { params, body: { reason } });
          return done(t('closedOne'));
        }}
        onClose={onClose}
      />
    </>
  );
}
