import { useParams } from '@tanstack/react-router';
import { Button } from 'antd';
import { useState } from 'react';
import type { components } from '@/api/schema';
import { ActorName } from '@/app/session/names';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { formatRate } from '@/shared/lib/money';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { IdText } from '@/shared/ui/id-text';
import { ObjectPage } from '@/shared/ui/object-page';
import { Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { ImportDialog } from '../components/import-dialog';
import { KeyActs } from '../components/key-acts';
import { SwitchActs } from '../components/switch-acts';
import { words } from '../i18n';
import { type Provider, type ProviderKey, useKeys, useProviders } from '../queries';
import { KEY_KINDS, KEY_MODES, KEY_STATES, PURPOSES, TEST_STATES, TEST_STEPS } from '../states';

function KindText({ kind }: { kind: ProviderKey['kind'] }) {
  const label = useLabel();
  return <>{label(KEY_KINDS[kind])}</>;
}

const LONG = 20;

/** Both ends of a serial; all of it is copied. */
function Serial({ serial }: { serial: string }) {
  const t = useText(words);
  const short = serial.length > LONG ? `${serial.slice(0, 8)}…${serial.slice(-6)}` : serial;
  return (
    <IdText value={serial} what={t('serial')}>
      <span title={serial}>{short}</span>
    </IdText>
  );
}

const COLUMNS: readonly Column<ProviderKey>[] = [
  { key: 'kind', title: { zh: '类型', en: 'Kind' }, render: (key) => <KindText kind={key.kind} /> },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (key) => <StatusTag value={key.state} words={KEY_STATES} />,
  },
  { key: 'serial', title: { zh: '序列号', en: 'Serial' }, render: (key) => <Serial serial={key.serial} /> },
  {
    key: 'until',
    title: { zh: '有效期至', en: 'Valid until' },
    width: 150,
    render: (key) => <TimeText at={key.valid_until} />,
  },
  {
    key: 'seen',
    title: { zh: '最近使用', en: 'Last seen' },
    width: 150,
    render: (key) => <TimeText at={key.last_seen_at} />,
  },
  { key: 'verified', title: { zh: '成功', en: 'Passed' }, align: 'right', render: (key) => key.signed + key.verified },
  { key: 'failed', title: { zh: '失败', en: 'Failed' }, align: 'right', render: (key) => key.failed },
  { key: 'by', title: { zh: '添加人', en: 'Added by' }, render: (key) => <ActorName actor={key.added_by} /> },
  { key: 'act', title: { zh: '操作', en: 'Action' }, render: (key) => <KeyActs providerKey={key} /> },
];

/** One provider with its key ring. */
export default function ProviderPage() {
  const t = useText(words);
  const { providerId } = useParams({ strict: false }) as { providerId: string };
  const query = useProviders();
  const provider = query.data?.data.find(({ id }) => id === providerId);
  return (
    <ObjectPage title={t('title')} query={{ ...query, data: provider }}>
      {(found) => <Whole provider={found} />}
    </ObjectPage>
  );
}

function Whole({ provider }: { provider: Provider }) {
  const t = useText(words);
  const can = useCan();
  const { keys } = useKeys(provider.id);
  const [importing, setImporting] = useState(false);
  const importButton = can('key:import') && <Button onClick={() => setImporting(true)}>{t('import')}</Button>;
  return (
    <Page title={provider.name} tab={`${provider.name} · ${t('title')}`}>
      <p className="faint">{t('mchid', { id: provider.sp_mchid })}</p>
      <SwitchActs providerId={provider.id} />
      <Panel title={t('keys')} extra={importButton}>
        <DataTable
          name="provider-keys"
          caption={t('keys')}
          columns={COLUMNS}
          query={keys}
          rowsOf={(list) => list.data}
          rowKey={(key) => key.id}
          empty={<Empty text={t('noKeys')} />}
        />
      </Panel>
      <div className="grid-2">
        <Shares providerId={provider.id} />
        <Tests providerId={provider.id} />
      </div>
      <ImportDialog open={importing} providerId={provider.id} onClose={() => setImporting(false)} />
    </Page>
  );
}

type Share = components['schemas']['KeyShareView'];

function PurposeText({ share }: { share: Share }) {
  const label = useLabel();
  return <>{label(PURPOSES[share.purpose])}</>;
}

/** A key that nobody knows has no serial of ours. */
function SerialText({ serial }: { serial: string }) {
  const t = useText(words);
  return serial === 'unknown' ? <span>{t('unknownKey')}</span> : <Serial serial={serial} />;
}

const SHARE_COLUMNS: readonly Column<Share>[] = [
  { key: 'purpose', title: { zh: '用途', en: 'Purpose' }, render: (share) => <PurposeText share={share} /> },
  { key: 'serial', title: { zh: '密钥', en: 'Key' }, render: (share) => <SerialText serial={share.serial} /> },
  {
    key: 'share',
    title: { zh: '占比', en: 'Share' },
    align: 'right',
    render: (share) => formatRate(share.permille * 10),
  },
  { key: 'passed', title: { zh: '成功', en: 'Passed' }, align: 'right', render: (share) => share.passed },
  { key: 'failed', title: { zh: '失败', en: 'Failed' }, align: 'right', render: (share) => share.failed },
];

/** The meter of the switch: which key our own traffic used. */
function Shares({ providerId }: { providerId: string }) {
  const t = useText(words);
  const { shares } = useKeys(providerId);
  return (
    <Panel title={t('shares')}>
      <DataTable
        name="key-shares"
        caption={t('shares')}
        columns={SHARE_COLUMNS}
        query={shares}
        rowsOf={(list) => list.data}
        rowKey={(share) => `${share.purpose} ${share.serial}`}
        empty={<p className="faint">{t('noShares')}</p>}
      />
    </Panel>
  );
}

function Tests({ providerId }: { providerId: string }) {
  const t = useText(words);
  const label = useLabel();
  const { tests } = useKeys(providerId);
  const list = tests.data?.data ?? [];
  return (
    <Panel title={t('tests')}>
      {list.length === 0 && <p className="faint">{t('noTests')}</p>}
      <ul className="stack">
        {list.map((test) => (
          <li key={test.id} className="row">
            <StatusTag value={test.state} words={TEST_STATES} />
            <TimeText at={test.started_at} />
            <span>{label(KEY_MODES[test.key_mode])}</span>
            {test.failed_step && (
              <span className="field-error">{t('failedStep', { step: label(TEST_STEPS[test.failed_step]) })}</span>
            )}
            {test.detail && <span className="faint">{test.detail}</span>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
