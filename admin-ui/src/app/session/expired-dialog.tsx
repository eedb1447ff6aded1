/** The session ended while a page was open: the same person signs in over it, and everything typed is still there. */
import { Button, Modal } from 'antd';
import { useText } from '@/shared/lib/i18n';
import { signOut } from './session';
import { SignInForm } from './sign-in-form';
import { useSession } from './use-session';
import { words } from './words';

/** Shown only while the session is over. */
export function ExpiredDialog() {
  const t = useText(words);
  const session = useSession();
  const email = session.kind === 'expired' ? session.me.staff.email : undefined;
  return (
    <Modal
      open={email !== undefined}
      title={t('titleAgain')}
      footer={null}
      closable={false}
      keyboard={false}
      destroyOnHidden
      zIndex={1100}
      width={420}
    >
      {email !== undefined && (
        <div className="dialog-form">
          <p>{t('keeps')}</p>
          <SignInForm email={email} />
          <Button type="link" onClick={() => void signOut()}>
            {t('otherPerson')}
          </Button>
        </div>
      )}
    </Modal>
  );
}
