/** What a person sees who is not signed in; the address stays, so that a pasted link works after the sign-in. */
import { type ReactNode, useEffect } from 'react';
import { useText } from '@/shared/lib/i18n';
import { LanguageMenu, ThemeMenu } from './layout/account-menu';
import { Enrolment } from './session/enrolment';
import { Invitation } from './session/invitation';
import { SignInForm } from './session/sign-in-form';
import { words as sessionWords } from './session/words';

/** Signs in. */
export function SignInPage({ welcome }: { welcome: boolean }) {
  const t = useText(sessionWords);
  return (
    <Card title={t('title')}>
      {welcome && (
        <p role="status" className="lone-note">
          {t('accepted')}
        </p>
      )}
      <SignInForm />
    </Card>
  );
}

/** Takes up an invitation. */
export function InvitationPage({ token, onAccepted }: { token: string; onAccepted: () => void }) {
  const t = useText(sessionWords);
  return (
    <Card title={t('invitedTitle')}>
      <Invitation token={token} onAccepted={onAccepted} />
    </Card>
  );
}

/** Binds the second factor at the first sign-in. */
export function EnrolmentPage() {
  const t = useText(sessionWords);
  return (
    <Card title={t('enrolTitle')}>
      <Enrolment />
    </Card>
  );
}

/** One card on an empty page. */
export function Card({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · 支流 Tributary`;
  }, [title]);
  return (
    <main className="lone">
      <div className="lone-tools">
        <LanguageMenu />
        <ThemeMenu />
      </div>
      <div className="lone-card">
        <div className="lone-head">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="32" height="32" />
          <h1>{title}</h1>
        </div>
        {children}
      </div>
    </main>
  );
}
