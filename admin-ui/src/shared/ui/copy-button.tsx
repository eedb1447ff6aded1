/** Copies a text as it is. */
import { CheckOutlined, CopyOutlined } from '@ant-design/icons';
import { useEffect, useState } from 'react';
import { useText } from '../lib/i18n';
import { announce } from './notices';
import { words } from './words';

const SHOWN_MS = 1_500;

/** A button that copies `value`; `what` says what it is, for those who do not see it. */
export function CopyButton({ value, what }: { value: string; what: string }) {
  const t = useText(words);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);

  async function copy() {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    announce(t('copied'), 'silent');
  }

  return (
    <button
      type="button"
      className="icon-button"
      aria-label={t('copy', { what })}
      title={t('copy', { what })}
      onClick={copy}
    >
      {copied ? <CheckOutlined aria-hidden="true" /> : <CopyOutlined aria-hidden="true" />}
    </button>
  );
}
