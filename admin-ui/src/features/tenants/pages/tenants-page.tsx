import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TextField } from '@/shared/ui/text-field';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { type Tenant, useTenants, useTenantsChanged } from '../queries';
import { FILTERS } from '../search-params';
import { TENANT_STATES } from '../states';

const COLUMNS: readonly Column<Tenant>[] = [
  {
    key: 'name',
    title: { zh: '名称', en: 'Name' },
    width: 200,
    render: (tenant) => (
      <Link to="/tenants/$tenantId" params={{ tenantId: tenant.id }}>
        {tenant.name}
      </Link>
    ),
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (tenant) => <StatusTag value={tenant.state} words={TENANT_STATES} />,
  },
  { key: 'contact', title: { zh: '联系人', en: 'Contact' }, render: (tenant) => tenant.contact ?? '—' },
  {
    key: 'created',
    title: { zh: '创建时间', en: 'Created' },
    width: 150,
    render: (tenant) => <TimeText at={tenant.created_at} />,
  },
  { key: 'id', title: { zh: '编号', en: 'Id' }, render: (tenant) => <span className="mono">{tenant.id}</span> },
];

/** Every tenant. */
export default function TenantsPage() {
  const t = useText(words);
  const can = useCan();
  const { search } = useAddress();
  const [creating, setCreating] = useState(false);
  return (
    <ListPage
      name="tenants"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={FILTERS}
      columns={COLUMNS}
      query={useTenants(search)}
      rowKey={(tenant) => tenant.id}
      actions={
        can('tenant:write') && (
          <Button type="primary" onClick={() => setCreating(true)}>
            {t('create')}
          </Button>
        )
      }
    >
      <CreateDialog open={creating} onClose={() => setCreating(false)} />
    </ListPage>
  );
}

function CreateDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText(words);
  const changed = useTenantsChanged();
  const [name, setName] = useState('');
  const [contact, setContact] = useState('');
  return (
    <DangerDialog
      open={open}
      tier={0}
      title={t('create')}
      effect={t('createEffect')}
      act={t('create')}
      target={name}
      ready={name.trim() !== ''}
      onConfirm={async ({ idempotencyKey }) => {
        await api.POST('/admin/v1/tenants', {
          params: { header: { 'Idempotency-Key': idempotencyKey } },
          body: { name: name.trim(), contact: contact.trim() || undefined },
        });
        await changed();
        setName('');
        setContact('');
        return t('saved');
      }}
      onClose={onClose}
    >
      <TextField field="name" label={t('name')} value={name} onChange={setName} />
      <TextField field="contact" label={t('contact')} value={contact} onChange={setContact} />
    </DangerDialog>
  );
}
