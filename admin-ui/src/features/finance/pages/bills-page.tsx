import { Button } from 'antd';
import { $api, api } from '@/api/client';
import { ProviderName } from '@/app/session/names';
import { MODE_FILTER, useMode } from '@/app/session/use-mode';
import { useAddress } from '@/shared/lib/address';
import { saveFile } from '@/shared/lib/csv';
import { useLabel, useText } from '@/shared/lib/i18n';
import { useAct } from '@/shared/lib/use-act';
import type { Column } from '@/shared/ui/data-table';
import type { FilterField } from '@/shared/ui/filter-bar';
import { ListPage } from '@/shared/ui/list-page';
import { Money } from '@/shared/ui/money';
import { pageSize } from '@/shared/ui/pager';
import { ProblemView } from '@/shared/ui/problem-view';
import { choices, StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { Bill } from '../queries';
import { ACCOUNTS, BILL_KINDS, BILL_STATES } from '../states';

const FILTERS: readonly FilterField[] = [
  MODE_FILTER,
  { kind: 'text', name: 'date', label: { zh: '账单日 YYYY-MM-DD', en: 'Day YYYY-MM-DD' }, width: 190 },
  { kind: 'choice', name: 'kind', label: { zh: '类型', en: 'Kind' }, choices: choices(BILL_KINDS) },
];

function KindText({ bill }: { bill: Bill }) {
  const label = useLabel();
  const name = BILL_KINDS[bill.kind];
  return <>{name ? label(name) : bill.kind}</>;
}

/** Whose money a fund flow is about: one of the provider's accounts, or a sub-merchant's number. */
function Account({ bill: { account } }: { bill: Bill }) {
  const label = useLabel();
  if (!account) return <span className="faint">—</span>;
  const parts = account.split(':').map((part) => {
    const name = ACCOUNTS[part];
    return name ? label(name) : part;
  });
  return <span title={account}>{parts.join(' · ')}</span>;
}

function Download({ bill }: { bill: Bill }) {
  const t = useText(words);
  const { run, pending, error } = useAct(async () => {
    const { data } = await api.GET('/admin/v1/bills/{bill_id}/content', {
      params: { path: { bill_id: bill.id } },
      parseAs: 'text',
    });
    saveFile(`bill-${bill.kind}-${bill.date}.csv`, String(data));
  });
  return (
    <>
      <Button
        size="small"
        aria-label={t('downloadOf', { date: bill.date })}
        loading={pending}
        onClick={() => void run()}
      >
        {t('download')}
      </Button>
      {error !== undefined && <ProblemView error={error} />}
    </>
  );
}

const COLUMNS: readonly Column<Bill>[] = [
  { key: 'date', title: { zh: '账单日', en: 'Day' }, render: (bill) => bill.date },
  { key: 'kind', title: { zh: '类型', en: 'Kind' }, render: (bill) => <KindText bill={bill} /> },
  { key: 'account', title: { zh: '账户', en: 'Account' }, render: (bill) => <Account bill={bill} /> },
  {
    key: 'provider',
    title: { zh: '服务商', en: 'Provider' },
    render: (bill) => <ProviderName id={bill.provider_id} />,
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (bill) => <StatusTag value={bill.state} words={BILL_STATES} />,
  },
  { key: 'rows', title: { zh: '行数', en: 'Rows' }, align: 'right', render: (bill) => bill.rows },
  {
    key: 'payments',
    title: { zh: '支付合计', en: 'Payments' },
    align: 'right',
    render: (bill) => (bill.kind === 'trade' && bill.rows > 0 ? <Money fen={bill.payments} /> : '—'),
  },
  {
    key: 'hash',
    title: { zh: '校验', en: 'Hash' },
    hidden: true,
    render: (bill) => <span className="mono">{bill.content_hash}</span>,
  },
  {
    key: 'finished',
    title: { zh: '入库时间', en: 'Stored' },
    width: 150,
    render: (bill) => <TimeText at={bill.finished_at} />,
  },
  {
    key: 'act',
    title: { zh: '操作', en: 'Action' },
    render: (bill) => (bill.state === 'verified' ? <Download bill={bill} /> : null),
  },
];

/** WeChat's bills as they came. */
export default function BillsPage() {
  const t = useText(words);
  const { search } = useAddress();
  const mode = useMode(search);
  const filter = { mode, kind: search.kind, date: search.date, cursor: search.cursor, limit: pageSize(search) };
  return (
    <ListPage
      name="bills"
      title={t('bills')}
      caption={t('billsCaption')}
      never={t('noBills')}
      filters={FILTERS}
      defaults={{ mode }}
      columns={COLUMNS}
      query={$api.useQuery('get', '/admin/v1/bills', { params: { query: filter as never } })}
      rowKey={(bill) => bill.id}
    />
  );
}
