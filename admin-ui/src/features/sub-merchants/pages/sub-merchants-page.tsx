import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import { TenantLink } from '@/app/session/names';
import { useMode } from '@/app/session/use-mode';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { AddDialog } from '../components/add-dialog';
import { words } from '../i18n';
import { type SubMerchant, useSubMerchants } from '../queries';
import { FILTERS } from '../search-params';
import { MERCHANT_STATES } from '../states';

const COLUMNS: readonly Column<SubMerchant>[] = [
  {
    key: 'name',
    title: { zh: '名称', en: 'Name' },
    width: 200,
    render: (merchant) => (
      <Link to="/sub-merchants/$merchantId" params={{ merchantId: merchant.id }}>
        {merchant.name}
      </Link>
    ),
  },
  {
    key: 'mchid',
    title: { zh: '特约商户号', en: 'Number' },
    render: (merchant) => <span className="mono">{merchant.sub_mchid}</span>,
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (merchant) => <StatusTag value={merchant.state} words={MERCHANT_STATES} />,
  },
  {
    key: 'tenant',
    title: { zh: '租户', en: 'Tenant' },
    render: (merchant) => <TenantLink id={merchant.tenant_id} />,
  },
  { key: 'note', title: { zh: '备注', en: 'Note' }, render: (merchant) => merchant.note ?? '—' },
  {
    key: 'created',
    title: { zh: '添加时间', en: 'Added' },
    width: 150,
    render: (merchant) => <TimeText at={merchant.created_at} />,
  },
];

/** Every sub-merchant. */
export default function SubMerchantsPage() {
  const t = useText(words);
  const can = useCan();
  const { search } = useAddress();
  const mode = useMode(search);
  const [adding, setAdding] = useState(false);
  return (
    <ListPage
      name="sub-merchants"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={FILTERS}
      defaults={{ mode }}
      columns={COLUMNS}
      query={useSubMerchants(search, mode)}
      rowKey={(merchant) => merchant.id}
      actions={
        can('tenant:write') && (
          <Button type="primary" onClick={() => setAdding(true)}>
            {t('add')}
          </Button>
        )
      }
    >
      <AddDialog open={adding} tenantId={search.tenant_id ?? ''} onClose={() => setAdding(false)} />
    </ListPage>
  );
}
