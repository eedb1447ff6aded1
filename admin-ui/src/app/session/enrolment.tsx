/** The first sign-in: an authenticator is bound, and the recovery codes are shown once. */
import { Button } from 'antd';
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { useAct } from '@/shared/lib/use-act';
import { CopyButton } from '@/shared/ui/copy-button';
import { ProblemView } from '@/shared/ui/problem-view';
import { SecretOnce } from '@/shared/ui/secret-once';
import { loadMe, signOut } from './session';
import { Field } from './sign-in-form';
import { words } from './words';

interface Offer {
  readonly secret: string;
  readonly otpauth_url: string;
}

/** Asks for a secret, takes its first code, shows the recovery codes, then lets the person in. */
export function Enrolment() {
  const t = useText(words);
  const [offer, setOffer] = useState<Offer>();
  const [codes, setCodes] = useState<readonly string[]>();
  const { run, pending, error } = useAct((act: () => Promise<void>) => act());

  const begin = () =>
    run(async () => {
      const { data } = await api.POST('/admin/v1/me/totp');
      setOffer(data);
    });
  const confirm = (code: string) =>
    run(async () => {
      const { data } = await api.POST('/admin/v1/me/totp/confirm', { body: { code } });
      setCodes(data?.recovery_codes);
    });

  return (
    <div className="dialog-form">
      <p>{t('enrolWhy')}</p>
      {!offer && (
        <Button type="primary" onClick={begin} loading={pending} block size="large">
          {t('enrolStart')}
        </Button>
      )}
      {offer && <Confirm offer={offer} pending={pending} onConfirm={confirm} />}
      {error !== undefined && <ProblemView error={error} />}
      <Button type="link" onClick={() => void signOut()}>
        {t('signOut')}
      </Button>
      <SecretOnce
        title={t('recoveryTitle')}
        secret={codes?.join('\n')}
        what={t('recovery')}
        onClose={() => void run(loadMe)}
      >
        <p>{t('recoveryWhy')}</p>
      </SecretOnce>
    </div>
  );
}

interface ConfirmProps {
  readonly offer: Offer;
  readonly pending: boolean;
  readonly onConfirm: (code: string) => void;
}

function Confirm({ offer, pending, onConfirm }: ConfirmProps) {
  const t = useText(words);
  const [code, setCode] = useState('');
  function submit(event: FormEvent) {
    event.preventDefault();
    onConfirm(code.replace(/\s/g, ''));
  }
  return (
    <form className="dialog-form" onSubmit={submit}>
      <p>{t('enrolScan')}</p>
      <div className="secret-once">
        <pre className="mono break">{offer.secret}</pre>
        <CopyButton value={offer.secret} what={t('enrolSecret')} />
      </div>
      <a href={offer.otpauth_url}>{t('enrolOpen')}</a>
      <Field
        label={t('enrolCode')}
        autoComplete="one-time-code"
        inputMode="numeric"
        value={code}
        focus
        onChange={setCode}
      />
      <Button type="primary" htmlType="submit" loading={pending} disabled={code.trim() === ''} size="large" block>
        {t('enrolConfirm')}
      </Button>
    </form>
  );
}
