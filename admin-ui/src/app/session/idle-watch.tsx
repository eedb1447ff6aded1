/** Signs out who does nothing for half an hour, and says so two minutes before. */
import { Button, Modal } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useText } from '@/shared/lib/i18n';
import { abandonSession, signOut } from './session';
import { words } from './words';

const IDLE_MS = 30 * 60_000;
const WARNING_MS = 2 * 60_000;
const LOOK_MS = 1_000;

/** Watches while somebody is signed in. */
export function IdleWatch() {
  const t = useText(words);
  const lastAct = useRef(Date.now());
  const [left, setLeft] = useState<number>();

  useEffect(() => {
    const acted = () => {
      if (Date.now() - lastAct.current < IDLE_MS - WARNING_MS) lastAct.current = Date.now();
    };
    const events = ['pointerdown', 'keydown', 'wheel'] as const;
    for (const event of events) window.addEventListener(event, acted, { passive: true });
    const timer = setInterval(() => {
      const rest = IDLE_MS - (Date.now() - lastAct.current);
      setLeft(rest <= WARNING_MS ? Math.max(0, Math.ceil(rest / 1_000)) : undefined);
      if (rest <= 0) void abandonSession();
    }, LOOK_MS);
    return () => {
      clearInterval(timer);
      for (const event of events) window.removeEventListener(event, acted);
    };
  }, []);

  function stay() {
    lastAct.current = Date.now();
    setLeft(undefined);
  }

  return (
    <Modal
      open={left !== undefined}
      title={t('idleTitle')}
      footer={null}
      onCancel={stay}
      destroyOnHidden
      zIndex={1100}
      width={420}
    >
      <div className="dialog-form">
        <p role="timer">{t('idleText', { count: left ?? 0 })}</p>
        <div className="dialog-buttons">
          <Button onClick={() => void signOut()}>{t('signOut')}</Button>
          <Button type="primary" autoFocus onClick={stay}>
            {t('idleStay')}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
