/** A secret that the platform made, shown once: the dialog closes only when the person says that it is stored. */
import { Button, Checkbox, Modal } from 'antd';
import { type ReactNode, useState } from 'react';
import { useText } from '../lib/i18n';
import { CopyButton } from './copy-button';
import { words } from './words';

interface SecretOnceProps {
  readonly title: string;
  /** Absent while there is nothing to show. */
  readonly secret: string | undefined;
  readonly what: string;
  readonly children?: ReactNode;
  readonly onClose: () => void;
}

/** The dialog; neither Escape nor a click beside it closes it. */
export function SecretOnce({ title, secret, what, children, onClose }: SecretOnceProps) {
  return (
    <Modal
      open={secret !== undefined}
      title={title}
      footer={null}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      destroyOnHidden
    >
      {secret !== undefined && (
        <Body secret={secret} what={what} onClose={onClose}>
          {children}
        </Body>
      )}
    </Modal>
  );
}

interface BodyProps {
  readonly secret: string;
  readonly what: string;
  readonly children?: ReactNode;
  readonly onClose: () => void;
}

function Body({ secret, what, children, onClose }: BodyProps) {
  const t = useText(words);
  const [saved, setSaved] = useState(false);
  return (
    <div className="dialog-form">
      <p>
        <strong>{t('once')}</strong> {t('onceHint')}
      </p>
      <div className="secret-once">
        <pre className="mono break">{secret}</pre>
        <CopyButton value={secret} what={what} />
      </div>
      {children}
      <Checkbox checked={saved} onChange={(event) => setSaved(event.target.checked)}>
        {t('saved')}
      </Checkbox>
      <div className="dialog-buttons">
        <Button type="primary" disabled={!saved} onClick={onClose}>
          {t('close')}
        </Button>
      </div>
    </div>
  );
}
