import { Link } from '@tanstack/react-router';
import { MODE_WORDS } from '@/app/session/use-mode';
import { useText } from '@/shared/lib/i18n';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { Page } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { type Provider, useProviders } from '../queries';

const COLUMNS: readonly Column<Provider>[] = [
  {
    key: 'name',
    title: { zh: '名称', en: 'Name' },
    render: (provider) => (
      <Link to="/providers/$providerId" params={{ providerId: provider.id }}>
        {provider.name}
      </Link>
    ),
  },
  {
    key: 'mchid',
    title: { zh: '商户号', en: 'Merchant number' },
    render: (provider) => <span className="mono">{provider.sp_mchid}</span>,
  },
  {
    key: 'appid',
    title: { zh: 'AppID', en: 'App id' },
    render: (provider) => <span className="mono">{provider.sp_appid}</span>,
  },
  {
    key: 'mode',
    title: { zh: '环境', en: 'World' },
    render: (provider) => <StatusTag value={provider.mode} words={MODE_WORDS} />,
  },
  {
    key: 'created',
    title: { zh: '添加时间', en: 'Added' },
    render: (provider) => <TimeText at={provider.created_at} />,
  },
];

/** Every provider. */
export default function ProvidersPage() {
  const t = useText(words);
  return (
    <Page title={t('title')}>
      <DataTable
        name="providers"
        caption={t('caption')}
        columns={COLUMNS}
        query={useProviders()}
        rowsOf={(list) => list.data}
        rowKey={(provider) => provider.id}
        empty={<Empty text={t('never')} />}
      />
    </Page>
  );
}
