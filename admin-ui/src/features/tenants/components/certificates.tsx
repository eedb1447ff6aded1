import { Button } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { saveFile } from '@/shared/lib/csv';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { Panel } from '@/shared/ui/page';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { type Certificate, useTenantsChanged } from '../queries';
import { Works } from './api-keys';
import { IssueDialog } from './issue-dialog';

const PEM = 'application/x-pem-file';

const COLUMNS: readonly Column<Certificate>[] = [
  { key: 'name', title: { zh: '名称', en: 'Name' }, render: (certificate) => certificate.name },
  {
    key: 'serial',
    title: { zh: '序列号', en: 'Serial' },
    render: (certificate) => <span className="mono">{certificate.serial}</span>,
  },
  { key: 'works', title: { zh: '状态', en: 'State' }, render: (certificate) => <Works credential={certificate} /> },
  {
    key: 'used',
    title: { zh: '最近使用', en: 'Last used' },
    width: 150,
    render: (certificate) => <TimeText at={certificate.last_used_at} />,
  },
  {
    key: 'expires',
    title: { zh: '到期', en: 'Expires' },
    width: 150,
    render: (certificate) => <TimeText at={certificate.expires_at} />,
  },
];

/** A tenant's certificates; its private keys never come here. */
export function Certificates({ tenantId }: { tenantId: string }) {
  const t = useText(words);
  const can = useCan();
  const query = $api.useQuery('get', '/admin/v1/tenants/{tenant_id}/certificates', {
    params: { path: { tenant_id: tenantId } },
  });
  const [issuing, setIssuing] = useState(false);
  const [revoking, setRevoking] = useState<Certificate>();
  const writes = can('credential:write');
  const column: Column<Certificate> = {
    key: 'act',
    title: { zh: '操作', en: 'Action' },
    render: (certificate) => (
      <span className="row">
        <Button size="small" onClick={() => saveFile(`${certificate.serial}.pem`, certificate.pem, PEM)}>
          {t('download')}
        </Button>
        {writes && certificate.works && (
          <Button size="small" danger onClick={() => setRevoking(certificate)}>
            {t('revoke')}
          </Button>
        )}
      </span>
    ),
  };
  return (
    <Panel title={t('certificates')} extra={writes && <Button onClick={() => setIssuing(true)}>{t('issue')}</Button>}>
      <DataTable
        name="certificates"
        caption={t('certificates')}
        columns={[...COLUMNS, column]}
        query={query}
        rowsOf={(list) => list.data}
        rowKey={(certificate) => certificate.id}
        empty={<Empty text={t('noCertificates')} />}
      />
      <IssueDialog open={issuing} tenantId={tenantId} onClose={() => setIssuing(false)} />
      <RevokeDialog certificate={revoking} tenantId={tenantId} onClose={() => setRevoking(undefined)} />
    </Panel>
  );
}

interface RevokeProps {
  readonly certificate: Certificate | undefined;
  readonly tenantId: string;
  readonly onClose: () => void;
}

function RevokeDialog({ certificate, tenantId, onClose }: RevokeProps) {
  const t = useText(words);
  const changed = useTenantsChanged();
  return (
    <DangerDialog
      open={certificate !== undefined}
      tier={2}
      title={t('revoke')}
      effect={t('revokeCertificateEffect')}
      act={t('revoke')}
      target={certificate?.serial ?? ''}
      about={certificate?.id}
      onConfirm={async () => {
        await api.POST('/admin/v1/tenants/{tenant_id}/certificates/{certificate_id}/revoke', {
          params: { path: { tenant_id: tenantId, certificate_id: certificate?.id ?? '' } },
        });
        await changed();
        return t('revoked');
      }}
      onClose={onClose}
    />
  );
}
