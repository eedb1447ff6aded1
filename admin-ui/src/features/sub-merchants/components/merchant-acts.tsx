import { useState } from 'react';
import { api } from '@/api/client';
import type { Tagged } from '@/api/tagged';
import { useText } from '@/shared/lib/i18n';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type SubMerchant, useMerchantsChanged } from '../queries';

type StateAct = 'suspend' | 'activate';

const STATES = { suspend: 'suspended', activate: 'active' } as const;

/** What may be done with a sub-merchant, and its dialogs. */
export function MerchantActs({ merchant }: { merchant: Tagged<SubMerchant> }) {
  const t = useText(words);
  const changed = useMerchantsChanged();
  const [act, setAct] = useState<StateAct | 'edit'>();
  const { value } = merchant;
  const close = () => setAct(undefined);
  const stateAct = act && act !== 'edit' ? act : undefined;
  const effects = { suspend: t('suspendEffect'), activate: t('activateEffect') };
  return (
    <>
      <ActionBar
        actions={value.actions}
        buttons={[
          { name: 'update', label: { zh: '修改', en: 'Edit' }, act: () => setAct('edit') },
          { name: 'activate', label: { zh: '恢复', en: 'Activate' }, act: () => setAct('activate') },
          { name: 'suspend', label: { zh: '停用', en: 'Suspend' }, danger: true, act: () => setAct('suspend') },
        ]}
      />
      <DangerDialog
        open={stateAct !== undefined}
        tier={2}
        title={stateAct ? t(stateAct) : ''}
        effect={stateAct ? effects[stateAct] : ''}
        act={stateAct ? t(stateAct) : ''}
        target={value.sub_mchid}
        about={value.id}
        onConfirm={async ({ reason }) => {
          if (stateAct)
            await api.POST('/admin/v1/sub-merchants/{sub_merchant_id}/state', {
              params: { path: { sub_merchant_id: value.id } },
              body: { state: STATES[stateAct], reason },
            });
          await changed();
          return t('changed');
        }}
        onClose={close}
      />
      <EditDialog key={merchant.etag} open={act === 'edit'} merchant={merchant} onClose={close} />
    </>
  );
}

function EditDialog({
  open,
  merchant,
  onClose,
}: {
  open: boolean;
  merchant: Tagged<SubMerchant>;
  onClose: () => void;
}) {
  const t = useText(words);
  const changed = useMerchantsChanged();
  const { value, etag } = merchant;
  const [name, setName] = useState(value.name);
  const [note, setNote] = useState(value.note ?? '');
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('edit')}
      effect={t('editEffect')}
      act={t('edit')}
      target={value.sub_mchid}
      about={value.id}
      ready={name.trim() !== ''}
      onConfirm={async () => {
        await api.PATCH('/admin/v1/sub-merchants/{sub_merchant_id}', {
          params: { path: { sub_merchant_id: value.id }, header: { 'If-Match': etag } },
          body: { name: name.trim(), note: note.trim() || undefined },
        });
        await changed();
        return t('saved');
      }}
      onClose={onClose}
    >
      <TextField field="name" label={t('name')} value={name} onChange={setName} />
      <TextField field="note" label={t('note')} value={note} lines={3} onChange={setNote} />
    </DangerDialog>
  );
}
