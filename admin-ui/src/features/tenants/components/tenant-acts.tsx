import { Select } from 'antd';
import { useId, useState } from 'react';
import { api } from '@/api/client';
import type { components } from '@/api/schema';
import type { Tagged } from '@/api/tagged';
import { useLabel, useText } from '@/shared/lib/i18n';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type Tenant, useTenantsChanged } from '../queries';
import { LATE_DECISIONS } from '../states';

type StateAct = 'activate' | 'suspend' | 'close';
type Policy = components['schemas']['TenantLatePolicy'];
type Decision = components['schemas']['LatePolicyDecision'];

const STATES = { activate: 'active', suspend: 'suspended', close: 'closed' } as const;

/** What may be done with a tenant, and its dialogs. */
export function TenantActs({ tenant }: { tenant: Tagged<Tenant> }) {
  const t = useText(words);
  const changed = useTenantsChanged();
  const [act, setAct] = useState<StateAct | 'edit' | 'policy'>();
  const { value } = tenant;
  const close = () => setAct(undefined);
  const stateAct = act && act in STATES ? (act as StateAct) : undefined;
  const effects = {
    activate: t('activateEffect', { name: value.name }),
    suspend: t('suspendEffect', { name: value.name }),
    close: t('closeEffect', { name: value.name }),
  };
  return (
    <>
      <ActionBar
        actions={[
          ...value.actions,
          ...value.actions.filter((one) => one.name === 'update').map((one) => ({ ...one, name: 'policy' })),
        ]}
        buttons={[
          { name: 'update', label: { zh: '修改', en: 'Edit' }, act: () => setAct('edit') },
          { name: 'policy', label: { zh: '迟到款项策略', en: 'Late money' }, act: () => setAct('policy') },
          { name: 'activate', label: { zh: '启用', en: 'Activate' }, act: () => setAct('activate') },
          { name: 'suspend', label: { zh: '停用', en: 'Suspend' }, danger: true, act: () => setAct('suspend') },
          { name: 'close', label: { zh: '关闭', en: 'Close' }, danger: true, act: () => setAct('close') },
        ]}
      />
      <DangerDialog
        open={stateAct !== undefined}
        tier={2}
        title={stateAct ? t(stateAct) : ''}
        effect={stateAct ? effects[stateAct] : ''}
        act={stateAct ? t(stateAct) : ''}
        target={value.id}
        onConfirm={async ({ reason }) => {
          if (stateAct)
            await api.POST('/admin/v1/tenants/{tenant_id}/state', {
              params: { path: { tenant_id: value.id } },
              body: { state: STATES[stateAct], reason },
            });
          await changed();
          return t('changed');
        }}
        onClose={close}
      />
      <EditDialog key={`edit ${tenant.etag}`} open={act === 'edit'} tenant={tenant} onClose={close} />
      <PolicyDialog key={`policy ${tenant.etag}`} open={act === 'policy'} tenant={tenant} onClose={close} />
    </>
  );
}

interface DialogProps {
  readonly open: boolean;
  readonly tenant: Tagged<Tenant>;
  readonly onClose: () => void;
}

function paramsOf({ value, etag }: Tagged<Tenant>) {
  return { path: { tenant_id: value.id }, header: { 'If-Match': etag } };
}

function EditDialog({ open, tenant, onClose }: DialogProps) {
  const t = useText(words);
  const changed = useTenantsChanged();
  const [name, setName] = useState(tenant.value.name);
  const [contact, setContact] = useState(tenant.value.contact ?? '');
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('edit')}
      effect={t('editEffect')}
      act={t('edit')}
      target={tenant.value.id}
      ready={name.trim() !== ''}
      onConfirm={async () => {
        const body = { name: name.trim(), contact: contact.trim() || undefined };
        await api.PATCH('/admin/v1/tenants/{tenant_id}', { params: paramsOf(tenant), body });
        await changed();
        return t('saved');
      }}
      onClose={onClose}
    >
      <TextField field="name" label={t('name')} value={name} onChange={setName} />
      <TextField field="contact" label={t('contact')} value={contact} onChange={setContact} />
    </DangerDialog>
  );
}

function PolicyDialog({ open, tenant, onClose }: DialogProps) {
  const t = useText(words);
  const changed = useTenantsChanged();
  const [policy, setPolicy] = useState<Policy>(tenant.value.late_policy);
  const change = (part: Partial<Policy>) => setPolicy((before) => ({ ...before, ...part }));
  return (
    <DangerDialog
      open={open}
      tier={1}
      title={t('policyTitle')}
      effect={t('policyEffect')}
      act={t('policyAct')}
      target={tenant.value.id}
      onConfirm={async () => {
        await api.PATCH('/admin/v1/tenants/{tenant_id}', { params: paramsOf(tenant), body: { late_policy: policy } });
        await changed();
        return t('saved');
      }}
      onClose={onClose}
    >
      <DecisionField label={t('paidLate')} value={policy.paid_late} onChange={(paid_late) => change({ paid_late })} />
      <DecisionField
        label={t('duplicatePaid')}
        value={policy.duplicate_paid}
        onChange={(duplicate_paid) => change({ duplicate_paid })}
      />
      <DecisionField
        label={t('amountMismatch')}
        value={policy.amount_mismatch}
        onChange={(amount_mismatch) => change({ amount_mismatch })}
      />
    </DangerDialog>
  );
}

function DecisionField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: Decision;
  onChange: (value: Decision) => void;
}) {
  const id = useId();
  const word = useLabel();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <Select
        id={id}
        value={value}
        onChange={onChange}
        options={Object.entries(LATE_DECISIONS).map(([decision, name]) => ({
          value: decision as Decision,
          label: word(name),
        }))}
      />
    </div>
  );
}
