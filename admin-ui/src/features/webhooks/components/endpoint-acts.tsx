import { useState } from 'react';
import { api } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { words } from '../i18n';
import { type EndpointDetail, useWebhooksChanged } from '../queries';
import { RecoverDialog } from './recover-dialog';

type Act = 'pause' | 'resume' | 'disable';

/** What may be done with an endpoint, and its dialogs. */
export function EndpointActs({ detail }: { detail: EndpointDetail }) {
  const t = useText(words);
  const changed = useWebhooksChanged();
  const [act, setAct] = useState<Act | 'recover'>();
  const { endpoint } = detail;
  const params = { path: { endpoint_id: endpoint.id } };
  const kinds = {
    pause: {
      effect: t('pauseEffect'),
      done: t('paused'),
      run: () => api.POST('/admin/v1/webhook-endpoints/{endpoint_id}/pause', { params }),
    },
    resume: {
      effect: t('resumeEffect'),
      done: t('resumed'),
      run: () => api.POST('/admin/v1/webhook-endpoints/{endpoint_id}/resume', { params }),
    },
    disable: {
      effect: t('disableEffect'),
      done: t('disabled'),
      run: () => api.POST('/admin/v1/webhook-endpoints/{endpoint_id}/disable', { params }),
    },
  };
  const kind = act && act !== 'recover' ? kinds[act] : undefined;
  const title = act && act !== 'recover' ? t(act) : '';
  return (
    <>
      <ActionBar
        actions={detail.actions}
        buttons={[
          { name: 'recover', label: { zh: '批量恢复', en: 'Recover' }, act: () => setAct('recover') },
          { name: 'pause', label: { zh: '暂停', en: 'Pause' }, act: () => setAct('pause') },
          { name: 'resume', label: { zh: '恢复投递', en: 'Resume' }, act: () => setAct('resume') },
          { name: 'disable', label: { zh: '停用', en: 'Disable' }, danger: true, act: () => setAct('disable') },
        ]}
      />
      <DangerDialog
        open={kind !== undefined}
        tier={1}
        title={title}
        effect={kind?.effect ?? ''}
        act={title}
        target={endpoint.id}
        onConfirm={async () => {
          await kind?.run();
          await changed();
          return kind?.done ?? '';
        }}
        onClose={() => setAct(undefined)}
      />
      <RecoverDialog open={act === 'recover'} endpoint={endpoint} onClose={() => setAct(undefined)} />
    </>
  );
}
