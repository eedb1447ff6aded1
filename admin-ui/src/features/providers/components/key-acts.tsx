import { Button } from 'antd';
import { useState } from 'react';
import { api } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { actionOf } from '@/shared/lib/permission';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { words } from '../i18n';
import { type ProviderKey, useKeysChanged } from '../queries';

const ACTS = ['approve', 'activate', 'retire', 'revoke'] as const;
type Act = (typeof ACTS)[number];

/** What may be done with a key now; each wants a reason and its last characters. */
export function KeyActs({ providerKey }: { providerKey: ProviderKey }) {
  const t = useText(words);
  const changed = useKeysChanged();
  const [act, setAct] = useState<Act>();
  const params = { path: { key_id: providerKey.id } };
  const kinds = {
    approve: {
      effect: t('approveEffect'),
      done: t('approved'),
      run: () => api.POST('/admin/v1/provider-keys/{key_id}/approve', { params }),
    },
    activate: {
      effect: t('activateEffect'),
      done: t('activated'),
      run: () => api.POST('/admin/v1/provider-keys/{key_id}/activate', { params, body: {} }),
    },
    retire: {
      effect: t('retireEffect'),
      done: t('retired'),
      run: () => api.POST('/admin/v1/provider-keys/{key_id}/retire', { params }),
    },
    revoke: {
      effect: t('revokeEffect'),
      done: t('revoked'),
      run: (reason: string) => api.POST('/admin/v1/provider-keys/{key_id}/revoke', { params, body: { reason } }),
    },
  };
  const possible = ACTS.filter((name) => actionOf(providerKey.actions, name)?.allowed);
  return (
    <span className="row">
      {possible.map((name) => (
        <Button key={name} size="small" danger={name === 'revoke'} onClick={() => setAct(name)}>
          {t(name)}
        </Button>
      ))}
      <DangerDialog
        open={act !== undefined}
        tier={2}
        title={act ? t(act) : ''}
        effect={act ? kinds[act].effect : ''}
        act={act ? t(act) : ''}
        target={providerKey.serial}
        about={providerKey.id}
        onConfirm={async ({ reason }) => {
          if (!act) return '';
          await kinds[act].run(reason);
          await changed();
          return kinds[act].done;
        }}
        onClose={() => setAct(undefined)}
      />
    </span>
  );
}
