import { Link } from '@tanstack/react-router';
import { $api } from '@/api/client';
import { useAskedEvery } from '@/api/live';
import type { components } from '@/api/schema';
import { ActorName } from '@/app/session/names';
import { useAddress } from '@/shared/lib/address';
import { useLabel, useText } from '@/shared/lib/i18n';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { pageSize } from '@/shared/ui/pager';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { JOB_KINDS, JOB_STATES } from '../states';

type Job = components['schemas']['JobObject'];

const LIVE_MS = 3_000;

function KindLink({ job }: { job: Job }) {
  const label = useLabel();
  const kind = JOB_KINDS[job.kind];
  return (
    <Link to="/jobs/$jobId" params={{ jobId: job.id }}>
      {kind ? label(kind) : job.kind}
    </Link>
  );
}

const COLUMNS: readonly Column<Job>[] = [
  { key: 'kind', title: { zh: '类型', en: 'Kind' }, render: (job) => <KindLink job={job} /> },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (job) => <StatusTag value={job.state} words={JOB_STATES} />,
  },
  {
    key: 'progress',
    title: { zh: '进度', en: 'Progress' },
    align: 'right',
    render: (job) => `${job.done} / ${job.total ?? '…'}`,
  },
  { key: 'troubles', title: { zh: '出错行', en: 'Troubles' }, align: 'right', render: (job) => job.troubles },
  { key: 'by', title: { zh: '发起人', en: 'Asked by' }, render: (job) => <ActorName actor={job.asked_by} /> },
  {
    key: 'created',
    title: { zh: '开始时间', en: 'Begun' },
    width: 150,
    render: (job) => <TimeText at={job.created_at} />,
  },
  {
    key: 'finished',
    title: { zh: '结束时间', en: 'Over' },
    width: 150,
    render: (job) => <TimeText at={job.finished_at} />,
  },
];

/** Exports, recoveries, reconciliations. */
export default function JobsPage() {
  const t = useText(words);
  const { search } = useAddress();
  const every = useAskedEvery(LIVE_MS);
  const query = $api.useQuery(
    'get',
    '/admin/v1/jobs',
    { params: { query: { cursor: search.cursor, limit: pageSize(search) } } },
    { refetchInterval: ({ state }) => (state.data?.data.some((job) => job.state === 'running') ? every : false) },
  );
  return (
    <ListPage
      name="jobs"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={[]}
      columns={COLUMNS}
      query={query}
      rowKey={(job) => job.id}
      live
    />
  );
}
