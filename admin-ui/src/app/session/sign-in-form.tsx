/** E-mail, password and the second factor, on the sign-in page and in the dialog over a page whose session ended. */
import { Button, Input } from 'antd';
import { type FormEvent, useEffect, useId, useState } from 'react';
import { problemOf } from '@/api/problem';
import { useText } from '@/shared/lib/i18n';
import { ProblemView } from '@/shared/ui/problem-view';
import { type SignIn, signIn } from './session';
import { words } from './words';

interface Draft {
  readonly email: string;
  readonly password: string;
  readonly factor: 'none' | 'otp' | 'recovery_code';
  readonly code: string;
}

const EMPTY: Draft = { email: '', password: '', factor: 'none', code: '' };

function callOf(draft: Draft): SignIn {
  const base = { email: draft.email.trim(), password: draft.password };
  return draft.factor === 'none' ? base : { ...base, [draft.factor]: draft.code.replace(/\s/g, '') };
}

/** The form; the server says when it wants a second factor. `email` is fixed where only that person may sign in. */
export function SignInForm({ email }: { email?: string }) {
  const t = useText(words);
  const [draft, setDraft] = useState<Draft>({ ...EMPTY, email: email ?? '' });
  const [error, setError] = useState<unknown>();
  const [pending, setPending] = useState(false);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));

  async function submit(event: FormEvent) {
    event.preventDefault();
    setPending(true);
    setError(undefined);
    try {
      await signIn(callOf(draft));
    } catch (thrown) {
      if (problemOf(thrown).code === 'second_factor_required' && draft.factor === 'none') change({ factor: 'otp' });
      else setError(thrown);
    } finally {
      setPending(false);
    }
  }

  return (
    <form className="dialog-form" onSubmit={submit}>
      <Field
        label={t('email')}
        type="email"
        autoComplete="username"
        value={draft.email}
        disabled={email !== undefined}
        onChange={(value) => change({ email: value })}
      />
      <Field
        label={t('password')}
        type="password"
        autoComplete="current-password"
        value={draft.password}
        onChange={(value) => change({ password: value })}
      />
      {draft.factor !== 'none' && <SecondFactor draft={draft} onChange={change} />}
      {error !== undefined && <Fault error={error} />}
      <Button
        type="primary"
        htmlType="submit"
        size="large"
        loading={pending}
        disabled={!draft.email || !draft.password}
        block
      >
        {t('signIn')}
      </Button>
    </form>
  );
}

function SecondFactor({ draft, onChange }: { draft: Draft; onChange: (part: Partial<Draft>) => void }) {
  const t = useText(words);
  const otp = draft.factor === 'otp';
  return (
    <div>
      <Field
        key={draft.factor}
        label={otp ? t('otp') : t('recovery')}
        hint={otp ? t('otpHint') : undefined}
        autoComplete={otp ? 'one-time-code' : 'off'}
        inputMode={otp ? 'numeric' : 'text'}
        value={draft.code}
        focus
        onChange={(code) => onChange({ code })}
      />
      <Button type="link" onClick={() => onChange({ factor: otp ? 'recovery_code' : 'otp', code: '' })}>
        {otp ? t('useRecovery') : t('useOtp')}
      </Button>
    </div>
  );
}

/** Says what went wrong without saying which of the three was wrong. */
function Fault({ error }: { error: unknown }) {
  const t = useText(words);
  const problem = problemOf(error);
  const [left, setLeft] = useState(problem.retryAfterSeconds ?? 0);
  useEffect(() => setLeft(problem.retryAfterSeconds ?? 0), [problem]);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  if (problem.status === 429)
    return (
      <p role="alert" className="field-error">
        {t('wait', { count: left })}
      </p>
    );
  if (problem.status === 401)
    return (
      <p role="alert" className="field-error">
        {t('wrong')}
      </p>
    );
  return <ProblemView error={error} />;
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly value: string;
  readonly type?: string;
  readonly autoComplete: string;
  readonly inputMode?: 'numeric' | 'text';
  readonly disabled?: boolean;
  readonly focus?: boolean;
  readonly onChange: (value: string) => void;
}

/** One labelled field of the session's forms; pasting and password managers work. */
export function Field({ label, hint, value, type = 'text', onChange, focus, ...rest }: FieldProps) {
  const id = useId();
  const Kind = type === 'password' ? Input.Password : Input;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <Kind
        {...rest}
        id={id}
        type={type}
        value={value}
        size="large"
        spellCheck={false}
        autoFocus={focus}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {hint && (
        <span id={`${id}-hint`} className="hint">
          {hint}
        </span>
      )}
    </div>
  );
}
