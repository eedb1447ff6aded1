/** A certificate for a tenant: for a key pair that is made here, or for a request that the tenant made itself. */
import { Radio } from 'antd';
import { useRef, useState } from 'react';
import { api } from '@/api/client';
import { canMakeKeys, makeKeyRequest } from '@/shared/lib/csr';
import { saveFile } from '@/shared/lib/csv';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { useTenantsChanged } from '../queries';
import { SCOPES } from '../states';
import { type Mode, ModeField } from './mode-field';

const PEM = 'application/x-pem-file';
/** What X.509 lets a common name have. */
const MOST_NAME = 64;

type Source = 'browser' | 'paste';

interface IssueDialogProps {
  readonly open: boolean;
  readonly tenantId: string;
  readonly onClose: () => void;
}

/** Issues; a private key that is made here is saved as a file once, and goes nowhere else. */
export function IssueDialog({ open, tenantId, onClose }: IssueDialogProps) {
  const t = useText(words);
  const changed = useTenantsChanged();
  const [name, setName] = useState('');
  const [mode, setMode] = useState<Mode>('test');
  const [source, setSource] = useState<Source>(canMakeKeys() ? 'browser' : 'paste');
  const [pasted, setPasted] = useState('');
  // A second try asks for the same key, which the person has already.
  const made = useRef<{ name: string; csr: string }>(undefined);

  async function request(): Promise<string> {
    if (source === 'paste') return pasted;
    if (made.current?.name === name) return made.current.csr;
    const { csrPem, privateKeyPem } = await makeKeyRequest(name.trim());
    saveFile(`${name.trim()}-key.pem`, privateKeyPem, PEM);
    made.current = { name, csr: csrPem };
    return csrPem;
  }

  async function issue(): Promise<string> {
    const csr = await request();
    const { data } = await api.POST('/admin/v1/tenants/{tenant_id}/certificates', {
      params: { path: { tenant_id: tenantId } } as never,
      body: { name: name.trim(), mode, scopes: [...SCOPES] as never, csr },
    });
    made.current = undefined;
    if (source === 'browser' && data) saveFile(`${name.trim()}-cert.pem`, data.pem, PEM);
    await changed();
    return source === 'browser' ? t('issuedHere') : t('issued');
  }

  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('issue')}
      effect={source === 'browser' ? t('issueHereEffect') : t('issueEffect')}
      act={t('issue')}
      target={name}
      ready={name.trim() !== '' && (source === 'browser' || pasted.includes('CERTIFICATE REQUEST'))}
      onConfirm={issue}
      onClose={onClose}
    >
      <TextField field="name" label={t('name')} value={name} maxLength={MOST_NAME} onChange={setName} />
      <ModeField value={mode} onChange={setMode} />
      <SourceField value={source} onChange={setSource} />
      {source === 'paste' && (
        <TextField field="csr" label={t('csr')} value={pasted} lines={6} mono onChange={setPasted} />
      )}
    </DangerDialog>
  );
}

function SourceField({ value, onChange }: { value: Source; onChange: (source: Source) => void }) {
  const t = useText(words);
  return (
    <div className="field">
      <span id="key-source">{t('keySource')}</span>
      <Radio.Group
        aria-labelledby="key-source"
        value={value}
        onChange={({ target }) => onChange(target.value)}
        options={[
          { value: 'browser', label: t('keyHere'), disabled: !canMakeKeys() },
          { value: 'paste', label: t('keyPasted') },
        ]}
      />
    </div>
  );
}
