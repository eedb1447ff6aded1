import { Link } from '@tanstack/react-router';
import { ActorName } from '@/app/session/names';
import { useLabel, useText } from '@/shared/lib/i18n';
import { type Column, DataTable } from '@/shared/ui/data-table';
import { Empty } from '@/shared/ui/empty';
import { Money } from '@/shared/ui/money';
import { TimeText } from '@/shared/ui/time-text';
import { type Approval, askedFen } from '../content';
import { words } from '../i18n';
import { usePendingApprovals } from '../queries';
import { APPROVAL_KINDS } from '../states';
import { TargetLink } from './target-link';

function AskedMoney({ approval }: { approval: Approval }) {
  const fen = askedFen(approval);
  return fen === undefined ? <span className="faint">—</span> : <Money fen={fen} strong />;
}

function KindLink({ approval }: { approval: Approval }) {
  const label = useLabel();
  return (
    <Link to="/inbox/approvals/$approvalId" params={{ approvalId: approval.id }}>
      {label(APPROVAL_KINDS[approval.kind])}
    </Link>
  );
}

const COLUMNS: readonly Column<Approval>[] = [
  { key: 'kind', title: { zh: '类型', en: 'Kind' }, render: (approval) => <KindLink approval={approval} /> },
  {
    key: 'target',
    title: { zh: '对象', en: 'About' },
    render: (approval) => <TargetLink approval={approval} />,
  },
  {
    key: 'amount',
    title: { zh: '金额', en: 'Amount' },
    align: 'right',
    render: (approval) => <AskedMoney approval={approval} />,
  },
  {
    key: 'by',
    title: { zh: '申请人', en: 'Asked by' },
    render: (approval) => <ActorName actor={approval.requested_by} />,
  },
  {
    key: 'reason',
    title: { zh: '原因', en: 'Why' },
    render: (approval) => <span className="cell-wrap">{approval.reason}</span>,
  },
  {
    key: 'expires',
    title: { zh: '失效时间', en: 'Expires' },
    width: 150,
    render: (approval) => <TimeText at={approval.expires_at} />,
  },
];

/** Requests that wait for a second person. */
export function Approvals() {
  const t = useText(words);
  const query = usePendingApprovals();
  return (
    <DataTable
      name="approvals"
      caption={t('approvals')}
      columns={COLUMNS}
      query={query}
      rowsOf={(page) => page.data}
      rowKey={(approval) => approval.id}
      empty={<Empty text={t('noApprovals')} />}
    />
  );
}
