import { useState } from 'react';
import { useText } from '@/shared/lib/i18n';
import { ToneTag } from '@/shared/ui/status-tag';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { signaturesIn } from './signatures';

/** Compares what a tenant's server computed with what was sent; nothing leaves the browser. */
export function SignatureComparer({ headers }: { headers: string | undefined }) {
  const t = useText(words);
  const [theirs, setTheirs] = useState('');
  const sent = signaturesIn(headers);
  if (sent.length === 0) return <p className="faint">{t('noSignature')}</p>;
  const given = theirs.trim();
  const same = sent.some((signature) => signature === given || signature.split(',')[1] === given);
  return (
    <div className="stack">
      <p className="hint">{t('compareHint')}</p>
      <ul>
        {sent.map((signature) => (
          <li key={signature} className="mono break">
            {signature}
          </li>
        ))}
      </ul>
      <TextField label={t('theirs')} value={theirs} mono onChange={setTheirs} />
      {given !== '' && (
        <div role="status">
          <ToneTag tone={same ? 'ok' : 'bad'}>{same ? t('compareSame') : t('compareOther')}</ToneTag>
        </div>
      )}
    </div>
  );
}
