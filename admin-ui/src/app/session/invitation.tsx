/** An invited person sets a password. The token is behind the `#`, so it reaches no server and no log on the way. */
import { Button } from 'antd';
import { type FormEvent, useState } from 'react';
import { bareApi } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { useAct } from '@/shared/lib/use-act';
import { ProblemView } from '@/shared/ui/problem-view';
import { Field } from './sign-in-form';
import { words } from './words';

const LEAST = 12;

/** Takes the token out of the address, so that it stays in no history. */
export function takeInvitation(): string | undefined {
  if (!window.location.pathname.endsWith('/invitation') || window.location.hash.length < 2) return undefined;
  const token = window.location.hash.slice(1);
  window.history.replaceState(null, '', import.meta.env.BASE_URL);
  return token;
}

interface InvitationProps {
  readonly token: string;
  readonly onAccepted: () => void;
}

/** The form under the heading of the page. */
export function Invitation({ token, onAccepted }: InvitationProps) {
  const t = useText(words);
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const differ = again !== '' && again !== password;

  const { run, pending, error } = useAct(async () => {
    await bareApi.POST('/admin/v1/invitations/accept', { body: { token, password } });
    onAccepted();
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    void run();
  }

  return (
    <form className="dialog-form" onSubmit={submit}>
      <Field
        label={t('newPassword')}
        type="password"
        autoComplete="new-password"
        value={password}
        focus
        onChange={setPassword}
      />
      <Field
        label={t('newPasswordAgain')}
        type="password"
        autoComplete="new-password"
        value={again}
        hint={differ ? t('notTheSame') : undefined}
        onChange={setAgain}
      />
      {error !== undefined && <ProblemView error={error} />}
      <Button
        type="primary"
        htmlType="submit"
        size="large"
        loading={pending}
        disabled={password.length < LEAST || again !== password}
        block
      >
        {t('accept')}
      </Button>
    </form>
  );
}
