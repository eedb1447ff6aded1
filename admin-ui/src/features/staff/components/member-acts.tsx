import { useState } from 'react';
import { api } from '@/api/client';
import type { Tagged } from '@/api/tagged';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type Invited, type StaffMember, useStaffChanged } from '../queries';
import type { RoleName } from '../states';
import { InvitationOnce } from './invite-dialog';
import { RoleField } from './role-field';

export type ActName = 'rename' | 'roles' | 'renew' | 'reset' | 'end' | 'reactivate' | 'suspend';

interface MemberActsProps {
  readonly act: ActName | undefined;
  readonly member: Tagged<StaffMember>;
  readonly onClose: () => void;
}

/** The dialogs of a person's page. */
export function MemberActs({ act, member, onClose }: MemberActsProps) {
  return (
    <>
      <EditDialog act={act} member={member} onClose={onClose} />
      <RenewDialog open={act === 'renew'} member={member.value} onClose={onClose} />
      <ReasonedActs act={act} member={member.value} onClose={onClose} />
    </>
  );
}

/** Name and roles; somebody else's edit in the meantime is not overwritten. */
function EditDialog({ act, member, onClose }: MemberActsProps) {
  const t = useText(words);
  const changed = useStaffChanged();
  const { value, etag } = member;
  const [name, setName] = useState(value.name);
  const [roles, setRoles] = useState<RoleName[]>(value.roles);
  const naming = act === 'rename';

  async function save(): Promise<string> {
    await api.PATCH('/admin/v1/staff/{staff_id}', {
      params: { path: { staff_id: value.id }, header: { 'If-Match': etag } },
      body: naming ? { name: name.trim() } : { roles },
    });
    await changed();
    return t('saved');
  }

  return (
    <DangerDialog
      open={naming || act === 'roles'}
      tier={0}
      title={naming ? t('rename') : t('changeRoles')}
      effect={naming ? value.email : t('changeRolesEffect')}
      act={naming ? t('renameAct') : t('changeRolesAct')}
      target={value.email}
      about={value.id}
      ready={naming ? name.trim() !== '' : roles.length > 0}
      onConfirm={save}
      onClose={onClose}
    >
      {naming ? (
        <TextField field="name" label={t('name')} value={name} onChange={setName} />
      ) : (
        <RoleField value={roles} onChange={setRoles} />
      )}
    </DangerDialog>
  );
}

function RenewDialog({ open, member, onClose }: { open: boolean; member: StaffMember; onClose: () => void }) {
  const t = useText(words);
  const changed = useStaffChanged();
  const [invited, setInvited] = useState<Invited>();

  async function renew(): Promise<string> {
    const { data } = await api.POST('/admin/v1/staff/{staff_id}/invitation', {
      params: { path: { staff_id: member.id } },
    });
    setInvited(data);
    await changed();
    return t('invited', { name: member.name });
  }

  return (
    <>
      <DangerDialog
        open={open}
        tier={1}
        title={t('renew')}
        effect={t('renewEffect')}
        act={t('renew')}
        target={member.email}
        about={member.id}
        onConfirm={renew}
        onClose={onClose}
      />
      <InvitationOnce invited={invited} onClose={() => setInvited(undefined)} />
    </>
  );
}

/** What wants a reason. */
function ReasonedActs({
  act,
  member,
  onClose,
}: {
  act: ActName | undefined;
  member: StaffMember;
  onClose: () => void;
}) {
  const t = useText(words);
  const changed = useStaffChanged();
  const { name } = member;
  const params = { path: { staff_id: member.id } };
  const kinds = {
    suspend: {
      title: t('suspend'),
      effect: t('suspendEffect', { name }),
      run: async (reason: string) => {
        await api.POST('/admin/v1/staff/{staff_id}/suspend', { params, body: { reason } });
        return t('suspended', { name });
      },
    },
    reactivate: {
      title: t('reactivate'),
      effect: t('reactivateEffect', { name }),
      run: async (reason: string) => {
        await api.POST('/admin/v1/staff/{staff_id}/reactivate', { params, body: { reason } });
        return t('reactivated', { name });
      },
    },
    reset: {
      title: t('reset'),
      effect: t('resetEffect', { name }),
      run: async (reason: string) => {
        await api.POST('/admin/v1/staff/{staff_id}/reset-second-factor', { params, body: { reason } });
        return t('resetDone', { name });
      },
    },
    end: {
      title: t('end'),
      effect: t('endEffect', { name }),
      run: async (reason: string) => {
        const { data } = await api.POST('/admin/v1/staff/{staff_id}/end-sessions', { params, body: { reason } });
        return t('ended', { count: data?.ended ?? 0 });
      },
    },
  };
  const kind = act !== undefined && act in kinds ? kinds[act as keyof typeof kinds] : undefined;
  return (
    <DangerDialog
      open={kind !== undefined}
      tier={2}
      title={kind?.title ?? ''}
      effect={kind?.effect ?? ''}
      act={kind?.title ?? ''}
      target={member.email}
      about={member.id}
      onConfirm={async ({ reason }) => {
        const said = (await kind?.run(reason)) ?? '';
        await changed();
        return said;
      }}
      onClose={onClose}
    />
  );
}
