import { Select } from 'antd';
import { useId, useState } from 'react';
import { api } from '@/api/client';
import type { components } from '@/api/schema';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { SecretField, SecretFile } from '@/shared/ui/secret-field';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { useKeysChanged } from '../queries';
import { KEY_KINDS } from '../states';

type NewKey = components['schemas']['NewProviderKey'];
type Kind = NewKey['kind'];

const SYMMETRIC_CHARACTERS = 32;

/** Platform certificates come from WeChat by themselves. */
const KINDS = (Object.keys(KEY_KINDS) as Kind[]).filter((kind) => kind !== 'platform_certificate');

/** Checks shapes only; whether key, certificate and number belong together the server says. */
function isWhole({ kind, private_key, certificate, symmetric_key, public_key, public_key_id }: NewKey): boolean {
  if (kind === 'merchant_certificate')
    return Boolean(private_key?.includes('PRIVATE KEY') && certificate?.includes('CERTIFICATE'));
  if (kind === 'wechat_public_key')
    return Boolean(public_key?.includes('PUBLIC KEY') && public_key_id?.startsWith('PUB_KEY_ID_'));
  return symmetric_key?.length === SYMMETRIC_CHARACTERS;
}

/** A new key is tested at once; where that is not possible yet, the button of the page does it later. */
function startTest(providerId: string): Promise<boolean> {
  const params = { path: { provider_id: providerId } };
  return api.POST('/admin/v1/providers/{provider_id}/test-keys', { params }).then(
    () => true,
    () => false,
  );
}

/** Puts a key in; it leaves this page only in the call. */
export function ImportDialog({
  open,
  providerId,
  onClose,
}: {
  open: boolean;
  providerId: string;
  onClose: () => void;
}) {
  const t = useText(words);
  const can = useCan();
  const changed = useKeysChanged();
  const [draft, setDraft] = useState<NewKey>({ kind: 'merchant_certificate' });
  const forget = () => setDraft({ kind: draft.kind });
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('import')}
      effect={t('importEffect')}
      act={t('import')}
      target={providerId}
      ready={isWhole(draft)}
      onConfirm={async ({ idempotencyKey }) => {
        await api.POST('/admin/v1/providers/{provider_id}/keys', {
          params: { path: { provider_id: providerId }, header: { 'Idempotency-Key': idempotencyKey } },
          body: draft,
        });
        forget();
        const tested = can('provider:write') && (await startTest(providerId));
        await changed();
        return tested ? t('importedTesting') : t('imported');
      }}
      onClose={() => {
        forget();
        onClose();
      }}
    >
      <KindField value={draft.kind} onChange={(kind) => setDraft({ kind })} />
      <Fields draft={draft} onChange={(part) => setDraft((before) => ({ ...before, ...part }))} />
    </DangerDialog>
  );
}

function KindField({ value, onChange }: { value: Kind; onChange: (kind: Kind) => void }) {
  const t = useText(words);
  const label = useLabel();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t('kind')}</label>
      <Select
        id={id}
        value={value}
        onChange={onChange}
        options={KINDS.map((kind) => ({ value: kind, label: label(KEY_KINDS[kind]) }))}
      />
    </div>
  );
}

function Fields({ draft, onChange }: { draft: NewKey; onChange: (part: Partial<NewKey>) => void }) {
  const t = useText(words);
  if (draft.kind === 'merchant_certificate') {
    // The two files may be chosen together: each goes where it belongs.
    const put = (text: string) =>
      onChange(text.includes('PRIVATE KEY') ? { private_key: text } : { certificate: text });
    const take = (name: 'private_key' | 'certificate') => (text: string) =>
      text === '' ? onChange({ [name]: text }) : put(text);
    return (
      <>
        <SecretFile
          label={t('privateKey')}
          value={draft.private_key ?? ''}
          hint={t('together')}
          multiple
          onChange={take('private_key')}
        />
        <SecretFile label={t('certificate')} value={draft.certificate ?? ''} multiple onChange={take('certificate')} />
      </>
    );
  }
  if (draft.kind === 'wechat_public_key')
    return (
      <>
        <SecretFile
          label={t('publicKey')}
          value={draft.public_key ?? ''}
          onChange={(public_key) => onChange({ public_key })}
        />
        <TextField
          field="public_key_id"
          label={t('publicKeyId')}
          value={draft.public_key_id ?? ''}
          mono
          onChange={(public_key_id) => onChange({ public_key_id })}
        />
      </>
    );
  return (
    <SecretField
      label={t('symmetric')}
      value={draft.symmetric_key ?? ''}
      onChange={(symmetric_key) => onChange({ symmetric_key })}
    />
  );
}
