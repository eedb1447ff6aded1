import { useState } from 'react';
import { api } from '@/api/client';
import { useTenantNames } from '@/app/session/names';
import { useText } from '@/shared/lib/i18n';
import { beijing } from '@/shared/lib/time';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { NamedField } from '@/shared/ui/named-field';
import { SecretOnce } from '@/shared/ui/secret-once';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type Invited, useStaffChanged } from '../queries';
import type { RoleName } from '../states';
import { RoleField } from './role-field';

interface Draft {
  readonly email: string;
  readonly name: string;
  readonly roles: RoleName[];
  readonly tenant: string;
}

const EMPTY: Draft = { email: '', name: '', roles: [], tenant: '' };

/** Invites a person; the link is shown once. */
export function InviteDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText(words);
  const changed = useStaffChanged();
  const tenants = useTenantNames();
  const [draft, setDraft] = useState(EMPTY);
  const [invited, setInvited] = useState<Invited>();
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));

  async function invite(idempotencyKey: string): Promise<string> {
    const { data } = await api.POST('/admin/v1/staff', {
      params: { header: { 'Idempotency-Key': idempotencyKey } },
      body: {
        email: draft.email.trim(),
        name: draft.name.trim(),
        roles: draft.roles,
        tenant_id: draft.tenant.trim() || undefined,
      },
    });
    setInvited(data);
    setDraft(EMPTY);
    await changed();
    return t('invited', { name: draft.name });
  }

  return (
    <>
      <DangerDialog
        open={open}
        tier={0}
        title={t('invite')}
        effect={t('inviteEffect')}
        act={t('inviteAct')}
        target={draft.email}
        ready={draft.email.includes('@') && draft.name.trim() !== '' && draft.roles.length > 0}
        onConfirm={({ idempotencyKey }) => invite(idempotencyKey)}
        onClose={onClose}
      >
        <TextField field="email" label={t('email')} value={draft.email} onChange={(email) => change({ email })} />
        <TextField field="name" label={t('name')} value={draft.name} onChange={(name) => change({ name })} />
        <RoleField value={draft.roles} onChange={(roles) => change({ roles })} without={['platform_owner']} />
        <NamedField
          field="tenant_id"
          names={tenants}
          label={t('tenant')}
          hint={t('tenantHint')}
          value={draft.tenant}
          onChange={(tenant) => change({ tenant })}
        />
      </DangerDialog>
      <InvitationOnce invited={invited} onClose={() => setInvited(undefined)} />
    </>
  );
}

/** The link of an invitation, once. */
export function InvitationOnce({ invited, onClose }: { invited: Invited | undefined; onClose: () => void }) {
  const t = useText(words);
  return (
    <SecretOnce
      title={t('inviteTitle', { name: invited?.staff.name ?? '' })}
      secret={invited?.invitation_url}
      what={t('inviteLink')}
      onClose={onClose}
    >
      <p className="hint">{t('until', { time: beijing(invited?.expires_at ?? '') })}</p>
    </SecretOnce>
  );
}
