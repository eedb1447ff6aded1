/** Asks for the second factor again before an act that needs a fresh one; the act then goes on by itself. */
import { Button, Modal } from 'antd';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { api } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { useAct } from '@/shared/lib/use-act';
import { ProblemView } from '@/shared/ui/problem-view';
import { offerStepUp } from './session';
import { Field } from './sign-in-form';
import { words } from './words';

/** Waits unseen until a call needs it; calls that need it at the same time share one dialog. */
export function StepUpDialog() {
  const t = useText(words);
  const waiting = useRef<((given: boolean) => void)[]>([]);
  const [open, setOpen] = useState(false);

  useEffect(
    () =>
      offerStepUp(() => {
        setOpen(true);
        return new Promise((resolve) => waiting.current.push(resolve));
      }),
    [],
  );

  function finish(given: boolean) {
    setOpen(false);
    for (const resolve of waiting.current.splice(0)) resolve(given);
  }

  return (
    <Modal
      open={open}
      title={t('stepUp')}
      footer={null}
      onCancel={() => finish(false)}
      destroyOnHidden
      zIndex={1100}
      width={420}
    >
      <Body onGiven={() => finish(true)} />
    </Modal>
  );
}

function Body({ onGiven }: { onGiven: () => void }) {
  const t = useText(words);
  const [password, setPassword] = useState('');
  const [otp, setOtp] = useState('');
  const { run, pending, error } = useAct(async () => {
    const body = otp.trim() === '' ? { password } : { otp: otp.replace(/\s/g, '') };
    await api.POST('/admin/v1/session/step-up', { body });
    onGiven();
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    void run();
  }

  return (
    <form className="dialog-form" onSubmit={submit}>
      <p>{t('stepUpWhy')}</p>
      <Field
        label={t('otp')}
        hint={t('otpHint')}
        autoComplete="one-time-code"
        inputMode="numeric"
        value={otp}
        focus
        onChange={setOtp}
      />
      <Field
        label={t('password')}
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
      />
      {error !== undefined && <ProblemView error={error} />}
      <Button type="primary" htmlType="submit" loading={pending} disabled={otp.trim() === '' && password === ''} block>
        {t('stepUpAct')}
      </Button>
    </form>
  );
}
