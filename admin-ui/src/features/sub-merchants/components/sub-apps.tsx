import { Button, Select } from 'antd';
import { useId, useState } from 'react';
import { api } from '@/api/client';
import type { components } from '@/api/schema';
import { tagged } from '@/api/tagged';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { Empty } from '@/shared/ui/empty';
import { Panel } from '@/shared/ui/page';
import { SecretField } from '@/shared/ui/secret-field';
import { StatusTag } from '@/shared/ui/status-tag';
import { TextField } from '@/shared/ui/text-field';
import { words } from '../i18n';
import { type SubApp, useMerchantsChanged, useSubApps } from '../queries';
import { APP_KINDS, BINDINGS } from '../states';

type Kind = components['schemas']['SubAppKind'];

/** The apps of a sub-merchant; secrets go in and never come out. */
export function SubApps({ merchantId }: { merchantId: string }) {
  const t = useText(words);
  const can = useCan();
  const changed = useMerchantsChanged();
  const query = useSubApps(merchantId);
  const [adding, setAdding] = useState(false);
  const [binding, setBinding] = useState<SubApp>();
  const apps = query.data?.data ?? [];
  const writes = can('tenant:write');

  async function bind(app: SubApp): Promise<string> {
    const path = { sub_merchant_id: merchantId, sub_app_id: app.id };
    const seen = tagged(
      await api.GET('/admin/v1/sub-merchants/{sub_merchant_id}/sub-apps/{sub_app_id}', { params: { path } }),
    );
    await api.PATCH('/admin/v1/sub-merchants/{sub_merchant_id}/sub-apps/{sub_app_id}', {
      params: { path, header: { 'If-Match': seen.etag } },
      body: { binding: 'bound' },
    });
    await changed();
    return t('saved');
  }

  return (
    <Panel title={t('apps')} extra={writes && <Button onClick={() => setAdding(true)}>{t('addApp')}</Button>}>
      {query.data && apps.length === 0 && <Empty text={t('noApps')} />}
      <ul className="stack">
        {apps.map((app) => (
          <AppLine key={app.id} app={app} writes={writes} onBind={() => setBinding(app)} />
        ))}
      </ul>
      <AddApp open={adding} merchantId={merchantId} onClose={() => setAdding(false)} />
      <DangerDialog
        open={binding !== undefined}
        tier={1}
        title={t('bind')}
        effect={t('bindEffect')}
        act={t('bind')}
        target={binding?.appid ?? ''}
        onConfirm={async () => (binding ? bind(binding) : '')}
        onClose={() => setBinding(undefined)}
      />
    </Panel>
  );
}

function AppLine({ app, writes, onBind }: { app: SubApp; writes: boolean; onBind: () => void }) {
  const t = useText(words);
  const label = useLabel();
  return (
    <li className="row">
      <StatusTag value={app.binding} words={BINDINGS} />
      <span className="mono">{app.appid}</span>
      <span>{label(APP_KINDS[app.kind])}</span>
      {app.secret_fingerprint && <span className="faint">{t('fingerprint', { text: app.secret_fingerprint })}</span>}
      {writes && app.binding !== 'bound' && (
        <Button size="small" onClick={onBind}>
          {t('bind')}
        </Button>
      )}
    </li>
  );
}

function AddApp({ open, merchantId, onClose }: { open: boolean; merchantId: string; onClose: () => void }) {
  const t = useText(words);
  const label = useLabel();
  const id = useId();
  const changed = useMerchantsChanged();
  const [appid, setAppid] = useState('');
  const [kind, setKind] = useState<Kind>('mini_program');
  const [secret, setSecret] = useState('');
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('addApp')}
      effect={t('addAppEffect')}
      act={t('addApp')}
      target={appid}
      ready={/^wx[0-9a-z]{16}$/.test(appid.trim())}
      onConfirm={async ({ idempotencyKey }) => {
        await api.POST('/admin/v1/sub-merchants/{sub_merchant_id}/sub-apps', {
          params: { path: { sub_merchant_id: merchantId }, header: { 'Idempotency-Key': idempotencyKey } },
          body: { appid: appid.trim(), kind, secret: secret || undefined },
        });
        setAppid('');
        setSecret('');
        await changed();
        return t('saved');
      }}
      onClose={onClose}
    >
      <TextField field="sub_appid" label={t('appid')} value={appid} mono onChange={setAppid} />
      <div className="field">
        <label htmlFor={id}>{t('kind')}</label>
        <Select
          id={id}
          value={kind}
          onChange={setKind}
          options={Object.entries(APP_KINDS).map(([value, name]) => ({ value: value as Kind, label: label(name) }))}
        />
      </div>
      <SecretField label={t('secret')} value={secret} onChange={setSecret} />
    </DangerDialog>
  );
}
