import { Button, Checkbox, Select } from 'antd';
import { useId, useState } from 'react';
import { $api, api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { Panel } from '@/shared/ui/page';
import { SecretOnce } from '@/shared/ui/secret-once';
import { ToneTag } from '@/shared/ui/status-tag';
import { TextField } from '@/shared/ui/text-field';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { type ApiKey, useTenantsChanged } from '../queries';
import { SCOPES } from '../states';
import { type Mode, ModeField } from './mode-field';

type Act = { kind: 'new' } | { kind: 'roll' | 'revoke'; key: ApiKey };

/** For how many hours an old key may work beside the new one. */
const OVERLAPS = [0, 1, 24, 72] as const;
type Overlap = (typeof OVERLAPS)[number];
const OVERLAP_HOURS: Overlap = 24;

const COLUMNS: readonly Column<ApiKey>[] = [
  { key: 'name', title: { zh: '名称', en: 'Name' }, render: (key) => key.name },
  { key: 'prefix', title: { zh: '前缀', en: 'Prefix' }, render: (key) => <span className="mono">{key.prefix}</span> },
  { key: 'works', title: { zh: '状态', en: 'State' }, render: (key) => <Works credential={key} /> },
  {
    key: 'scopes',
    title: { zh: '权限范围', en: 'Scopes' },
    render: (key) => <span className="cell-wrap">{key.scopes.join(', ')}</span>,
  },
  {
    key: 'used',
    title: { zh: '最近使用', en: 'Last used' },
    width: 150,
    render: (key) => <TimeText at={key.last_used_at} />,
  },
  {
    key: 'expires',
    title: { zh: '到期', en: 'Expires' },
    width: 150,
    render: (key) => <TimeText at={key.expires_at} />,
  },
];

/** Whether a key or a certificate works, and whether anybody uses it. */
export function Works({ credential }: { credential: { works: boolean; unused: boolean } }) {
  const t = useText(words);
  if (!credential.works) return <ToneTag tone="idle">{t('ended')}</ToneTag>;
  return credential.unused ? <ToneTag tone="warn">{t('unused')}</ToneTag> : <ToneTag tone="ok">{t('works')}</ToneTag>;
}

/** A tenant's API keys; a new one is shown once. */
export function ApiKeys({ tenantId }: { tenantId: string }) {
  const t = useText(words);
  const can = useCan();
  const query = $api.useQuery('get', '/admin/v1/tenants/{tenant_id}/api-keys', {
    params: { path: { tenant_id: tenantId } },
  });
  const [act, setAct] = useState<Act>();
  const [secret, setSecret] = useState<string>();
  const writes = can('credential:write');
  const column: Column<ApiKey> = {
    key: 'act',
    title: { zh: '操作', en: 'Action' },
    render: (key) =>
      key.works && (
        <span className="row">
          <Button size="small" onClick={() => setAct({ kind: 'roll', key })}>
            {t('roll')}
          </Button>
          <Button size="small" danger onClick={() => setAct({ kind: 'revoke', key })}>
            {t('revoke')}
          </Button>
        </span>
      ),
  };
  const close = () => setAct(undefined);
  return (
    <Panel title={t('keys')} extra={writes && <Button onClick={() => setAct({ kind: 'new' })}>{t('newKey')}</Button>}>
      <DataTable
        name="api-keys"
        caption={t('keys')}
        columns={writes ? [...COLUMNS, column] : COLUMNS}
        query={query}
        rowsOf={(list) => list.data}
        rowKey={(key) => key.id}
        empty={<Empty text={t('noKeys')} />}
      />
      <NewKeyDialog open={act?.kind === 'new'} tenantId={tenantId} onSecret={setSecret} onClose={close} />
      <RollDialog act={act} tenantId={tenantId} onSecret={setSecret} onClose={close} />
      <RevokeDialog act={act} tenantId={tenantId} onClose={close} />
      <SecretOnce title={t('keyShown')} secret={secret} what={t('keys')} onClose={() => setSecret(undefined)} />
    </Panel>
  );
}

interface DialogProps {
  readonly tenantId: string;
  readonly onClose: () => void;
}

interface SecretDialogProps extends DialogProps {
  readonly onSecret: (secret: string | undefined) => void;
}

function NewKeyDialog({ open, tenantId, onSecret, onClose }: SecretDialogProps & { open: boolean }) {
  const t = useText(words);
  const changed = useTenantsChanged();
  const [name, setName] = useState('');
  const [mode, setMode] = useState<Mode>('test');
  const [scopes, setScopes] = useState<string[]>([...SCOPES]);
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('newKey')}
      effect={t('newKeyEffect')}
      act={t('newKey')}
      target={name}
      ready={name.trim() !== '' && scopes.length > 0}
      onConfirm={async ({ idempotencyKey }) => {
        const { data } = await api.POST('/admin/v1/tenants/{tenant_id}/api-keys', {
          params: { path: { tenant_id: tenantId }, header: { 'Idempotency-Key': idempotencyKey } },
          body: { name: name.trim(), mode, scopes: scopes as never },
        });
        onSecret(data?.secret);
        await changed();
        return t('keyMade');
      }}
      onClose={onClose}
    >
      <TextField field="name" label={t('name')} value={name} onChange={setName} />
      <ModeField value={mode} onChange={setMode} />
      <div className="field">
        <span>{t('scopes')}</span>
        <Checkbox.Group
          value={scopes}
          onChange={setScopes}
          options={SCOPES.map((scope) => ({ value: scope, label: scope }))}
        />
      </div>
    </DangerDialog>
  );
}

function RollDialog({ act, tenantId, onSecret, onClose }: SecretDialogProps & { act: Act | undefined }) {
  const t = useText(words);
  const id = useId();
  const changed = useTenantsChanged();
  const [hours, setHours] = useState<Overlap>(OVERLAP_HOURS);
  const key = act?.kind === 'roll' ? act.key : undefined;
  return (
    <DangerDialog
      open={key !== undefined}
      tier={2}
      title={t('roll')}
      effect={t('rollEffect')}
      act={t('roll')}
      target={key?.id ?? ''}
      onConfirm={async ({ idempotencyKey }) => {
        const { data } = await api.POST('/admin/v1/tenants/{tenant_id}/api-keys/{key_id}/roll', {
          params: {
            path: { tenant_id: tenantId, key_id: key?.id ?? '' },
            header: { 'Idempotency-Key': idempotencyKey },
          },
          body: { overlap_hours: hours },
        });
        onSecret(data?.secret);
        await changed();
        return t('keyMade');
      }}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor={id}>{t('overlap')}</label>
        <Select
          id={id}
          value={hours}
          onChange={setHours}
          options={OVERLAPS.map((each) => ({ value: each, label: t('overlapHours', { count: each }) }))}
        />
      </div>
    </DangerDialog>
  );
}

function RevokeDialog({ act, tenantId, onClose }: DialogProps & { act: Act | undefined }) {
  const t = useText(words);
  const changed = useTenantsChanged();
  const key = act?.kind === 'revoke' ? act.key : undefined;
  return (
    <DangerDialog
      open={key !== undefined}
      tier={2}
      title={t('revoke')}
      effect={t('revokeEffect')}
      act={t('revoke')}
      target={key?.id ?? ''}
      onConfirm={async () => {
        await api.POST('/admin/v1/tenants/{tenant_id}/api-keys/{key_id}/revoke', {
          params: { path: { tenant_id: tenantId, key_id: key?.id ?? '' } },
        });
        await changed();
        return t('revoked');
      }}
      onClose={onClose}
    />
  );
}
