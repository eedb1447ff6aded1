import { Segmented, Select } from 'antd';
import { useEffect, useId, useState } from 'react';
import { api } from '@/api/client';
import type { components } from '@/api/schema';
import { useLabel, useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { SecretField } from '@/shared/ui/secret-field';
import { words } from '../i18n';
import { type ListedRefund, useRefundsChanged } from '../queries';
import { BANKS } from '../states';

type Redirection = components['schemas']['StaffRedirection'];
type Way = Redirection['type'];
type Bank = NonNullable<Redirection['bank_type']>;

interface RedirectDialogProps {
  readonly open: boolean;
  readonly refund: ListedRefund;
  readonly onClose: () => void;
}

const CARD = /^\d{8,32}$/;

/** Sends an abnormal refund another way. The card and its holder go to WeChat and are kept nowhere. */
export function RedirectDialog({ open, refund, onClose }: RedirectDialogProps) {
  const t = useText(words);
  const changed = useRefundsChanged();
  const [way, setWay] = useState<Way>('user_bank_card');
  const [bank, setBank] = useState<Bank>();
  const [card, setCard] = useState('');
  const [name, setName] = useState('');
  useEffect(() => {
    if (open) return;
    setCard('');
    setName('');
  }, [open]);
  const toCard = way === 'user_bank_card';
  const payee = { bank_type: bank, bank_account: card, real_name: name.trim() };

  async function redirect(reason: string): Promise<string> {
    try {
      await api.POST('/admin/v1/refunds/{refund_id}/redirect', {
        params: { path: { refund_id: refund.id } },
        body: toCard ? { type: way, ...payee, reason } : { type: way, reason },
      });
      return t('redirected');
    } finally {
      await changed();
    }
  }

  return (
    <DangerDialog
      open={open}
      tier={2}
      title={t('redirect')}
      effect={t('redirectEffect')}
      act={t('redirectAct')}
      target={refund.merchant_refund_no}
      about={refund.id}
      ready={!toCard || (bank !== undefined && CARD.test(card) && payee.real_name !== '')}
      onConfirm={({ reason }) => redirect(reason)}
      onClose={onClose}
    >
      <Segmented<Way>
        aria-label={t('redirectWay')}
        value={way}
        options={[
          { value: 'user_bank_card', label: t('toUserCard') },
          { value: 'merchant_bank_card', label: t('toMerchant') },
        ]}
        onChange={setWay}
      />
      {toCard ? (
        <>
          <BankField value={bank} onChange={setBank} />
          <SecretField label={t('cardNumber')} value={card} onChange={setCard} hint={t('payeeHint')} />
          <SecretField label={t('cardHolder')} value={name} onChange={setName} />
        </>
      ) : (
        <p className="hint">{t('toMerchantNote')}</p>
      )}
    </DangerDialog>
  );
}

function BankField({ value, onChange }: { value: Bank | undefined; onChange: (bank: Bank) => void }) {
  const t = useText(words);
  const label = useLabel();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t('bank')}</label>
      <Select<Bank>
        id={id}
        value={value}
        options={Object.entries(BANKS).map(([bank, words]) => ({ value: bank as Bank, label: label(words) }))}
        onChange={onChange}
      />
    </div>
  );
}
