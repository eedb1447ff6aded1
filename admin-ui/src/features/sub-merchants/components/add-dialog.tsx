import { useState } from 'react';
import { api } from '@/api/client';
import { useProviderNames, useTenantNames } from '@/app/session/names';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { NamedField } from '@/shared/ui/named-field';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { useMerchantsChanged } from '../queries';

const EMPTY = { name: '', tenant: '', provider: '', mchid: '' };

/** Registers a sub-merchant that WeChat Pay has opened already. */
export function AddDialog({ open, tenantId, onClose }: { open: boolean; tenantId: string; onClose: () => void }) {
  const t = useText(words);
  const changed = useMerchantsChanged();
  const tenants = useTenantNames();
  const providers = useProviderNames();
  const [draft, setDraft] = useState({ ...EMPTY, tenant: tenantId });
  const change = (part: Partial<typeof EMPTY>) => setDraft((before) => ({ ...before, ...part }));
  const ready = Object.values(draft).every((text) => text.trim() !== '') && /^\d{8,10}$/.test(draft.mchid.trim());
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('add')}
      effect={t('addEffect')}
      act={t('add')}
      target={draft.mchid}
      ready={ready}
      onConfirm={async ({ idempotencyKey }) => {
        await api.POST('/admin/v1/sub-merchants', {
          params: { header: { 'Idempotency-Key': idempotencyKey } },
          body: {
            name: draft.name.trim(),
            tenant_id: draft.tenant.trim(),
            provider_id: draft.provider.trim(),
            sub_mchid: draft.mchid.trim(),
          },
        });
        await changed();
        setDraft({ ...EMPTY, tenant: tenantId });
        return t('saved');
      }}
      onClose={onClose}
    >
      <TextField field="name" label={t('name')} value={draft.name} onChange={(name) => change({ name })} />
      <TextField
        field="sub_mchid"
        label={t('mchid')}
        value={draft.mchid}
        mono
        inputMode="numeric"
        onChange={(mchid) => change({ mchid })}
      />
      <NamedField
        field="tenant_id"
        label={t('tenant')}
        value={draft.tenant}
        names={tenants}
        onChange={(tenant) => change({ tenant })}
      />
      <NamedField
        field="provider_id"
        label={t('provider')}
        value={draft.provider}
        names={providers}
        onChange={(provider) => change({ provider })}
      />
    </DangerDialog>
  );
}
