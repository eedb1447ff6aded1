import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Button, Progress } from 'antd';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { useAskedEvery } from '@/api/live';
import type { components } from '@/api/schema';
import { ActorName } from '@/app/session/names';
import { saveFile } from '@/shared/lib/csv';
import { useLabel, useText } from '@/shared/lib/i18n';
import { useAct } from '@/shared/lib/use-act';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { IdText } from '@/shared/ui/id-text';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { ProblemView } from '@/shared/ui/problem-view';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import { JOB_KINDS, JOB_STATES } from '../states';

type Job = components['schemas']['JobObject'];
/** Nothing is steered any more. */
const OVER: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

type Act = 'pause' | 'resume' | 'cancel';

const LIVE_MS = 2_000;

/** One job with its progress. */
export default function JobPage() {
  const t = useText(words);
  const { jobId } = useParams({ strict: false }) as { jobId: string };
  const every = useAskedEvery(LIVE_MS);
  const query = $api.useQuery(
    'get',
    '/admin/v1/jobs/{job_id}',
    { params: { path: { job_id: jobId } } },
    { refetchInterval: ({ state }) => (state.data?.state === 'running' ? every : false) },
  );
  return (
    <ObjectPage title={t('job')} query={query}>
      {(job) => <Whole job={job} />}
    </ObjectPage>
  );
}

function Whole({ job }: { job: Job }) {
  const t = useText(words);
  const label = useLabel();
  const kind = JOB_KINDS[job.kind];
  return (
    <Page title={`${t('job')}: ${kind ? label(kind) : job.kind}`}>
      {!OVER.has(job.state) && <Steering job={job} />}
      <Panel title={t('facts')}>
        {job.total !== undefined && job.total > 0 && (
          <Progress
            percent={Math.floor((job.done * 100) / job.total)}
            aria-label={t('progress')}
            format={() => t('of', { done: job.done, total: job.total ?? 0 })}
          />
        )}
        <Facts
          facts={[
            [t('state'), <StatusTag key="state" value={job.state} words={JOB_STATES} />],
            [t('progress'), t('of', { done: job.done, total: job.total ?? '…' })],
            [t('troubles'), job.troubles],
            ...(job.failure ? ([[t('failure'), job.failure]] as const) : []),
            [t('by'), <ActorName key="by" actor={job.asked_by} />],
            [t('created'), <TimeText key="created" at={job.created_at} />],
            [t('finished'), <TimeText key="finished" at={job.finished_at} />],
            ...(job.result_name
              ? ([
                  [t('file'), <Download key="file" job={job} />],
                  [t('until'), <TimeText key="until" at={job.result_until} />],
                ] as const)
              : []),
            [t('id'), <IdText key="id" value={job.id} what={t('id')} />],
          ]}
        />
      </Panel>
      {job.trouble_rows && job.trouble_rows.length > 0 && (
        <Panel title={t('troubles')}>
          <Facts facts={job.trouble_rows.map(({ subject, reason }) => [subject, reason])} />
        </Panel>
      )}
    </Page>
  );
}

function Download({ job }: { job: Job }) {
  const t = useText(words);
  const { run, pending, error } = useAct(async () => {
    const { data } = await api.GET('/admin/v1/jobs/{job_id}/result', {
      params: { path: { job_id: job.id } },
      parseAs: 'text',
    });
    saveFile(job.result_name ?? `${job.id}.csv`, String(data));
  });
  return (
    <>
      <Button onClick={() => void run()} loading={pending}>
        {t('download')} {job.result_name}
      </Button>
      {error !== undefined && <ProblemView error={error} />}
    </>
  );
}

function Steering({ job }: { job: Job }) {
  const t = useText(words);
  const queries = useQueryClient();
  const [act, setAct] = useState<Act>();
  const params = { path: { job_id: job.id } };
  const effects = { pause: t('pauseEffect'), resume: t('resumeEffect'), cancel: t('cancelEffect') };

  async function steer(): Promise<string> {
    if (act) await api.POST(`/admin/v1/jobs/{job_id}/${act}`, { params });
    await queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith('/admin/v1/jobs') });
    return t('steered');
  }

  return (
    <>
      <ActionBar
        actions={job.actions ?? []}
        buttons={[
          { name: 'pause', label: { zh: '暂停', en: 'Pause' }, act: () => setAct('pause') },
          { name: 'resume', label: { zh: '继续', en: 'Resume' }, act: () => setAct('resume') },
          {
            name: 'cancel',
            label: { zh: '取消任务', en: 'Cancel the job' },
            danger: true,
            act: () => setAct('cancel'),
          },
        ]}
      />
      <DangerDialog
        open={act !== undefined}
        tier={1}
        title={act ? t(act) : ''}
        effect={act ? effects[act] : ''}
        act={act ? t(act) : ''}
        target={job.id}
        onConfirm={steer}
        onClose={() => setAct(undefined)}
      />
    </>
  );
}
