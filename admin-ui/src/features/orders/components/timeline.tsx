import { Button, Checkbox, Segmented } from 'antd';
import { useRef, useState } from 'react';
import { ActorName } from '@/app/session/names';
import type { Address } from '@/shared/lib/address';
import { saveFile } from '@/shared/lib/csv';
import { useLabel, useText, useTongue } from '@/shared/lib/i18n';
import { useShortcuts } from '@/shared/lib/shortcuts';
import { duration } from '@/shared/lib/time';
import { useAct } from '@/shared/lib/use-act';
import type { Tone } from '@/shared/theme/tokens';
import { Empty } from '@/shared/ui/empty';
import { IdText } from '@/shared/ui/id-text';
import { JsonView } from '@/shared/ui/json-view';
import { ProblemView } from '@/shared/ui/problem-view';
import { ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { entrySentence } from '../entry-words';
import { words } from '../i18n';
import {
  type ListedOrder,
  type TimelineEntry,
  type TimelinePage,
  timelinePage,
  useTimeline,
  wholeTimeline,
} from '../queries';
import { LANES } from '../states';

interface TimelineProps {
  readonly order: ListedOrder;
  readonly address: Address;
}

const PROBLEM_TONES = new Set(['warn', 'bad']);

/** Everything that was asked, said, told and done, oldest first, in four lanes. */
export function Timeline({ order, address }: TimelineProps) {
  const t = useText(words);
  const label = useLabel();
  const { search, change } = address;
  const query = useTimeline(order);
  const [later, setLater] = useState<TimelinePage>();
  const list = useRef<HTMLOListElement>(null);
  const nextProblem = () => focusNextProblem(list.current);
  useShortcuts({ n: nextProblem });
  if (query.error) return <ProblemView error={query.error} onRetry={() => query.refetch()} />;
  const next = later ? later.next_cursor : query.data?.next_cursor;
  const entries = [...(query.data?.data ?? []), ...(later?.data ?? [])].filter(
    (entry) => (!search.lane || entry.lane === search.lane) && (!search.only || isProblem(entry)),
  );
  return (
    <div className="stack">
      <div className="row">
        <Segmented
          aria-label={t('lane')}
          value={search.lane ?? ''}
          options={[
            { value: '', label: t('allLanes') },
            ...Object.entries(LANES).map(([value, lane]) => ({ value, label: label(lane) })),
          ]}
          onChange={(lane) => change({ lane: lane || undefined })}
        />
        <Checkbox
          checked={search.only === 'problems'}
          onChange={({ target }) => change({ only: target.checked ? 'problems' : undefined })}
        >
          {t('onlyProblems')}
        </Checkbox>
        {entries.some(isProblem) && <Button onClick={nextProblem}>{t('nextProblem')}</Button>}
        <SaveTimeline orderId={order.id} />
      </div>
      {query.data && entries.length === 0 && <Empty text={t('noEntries')} />}
      <ol ref={list} className="timeline">
        {entries.map((entry) => (
          <Entry key={entry.key} entry={entry} />
        ))}
      </ol>
      {next !== undefined && <LaterEntries orderId={order.id} next={next} later={later} onRead={setLater} />}
    </div>
  );
}

/** Saves the whole story as one JSON file, to attach to a ticket. */
function SaveTimeline({ orderId }: { orderId: string }) {
  const t = useText(words);
  const { run, pending, error } = useAct(async () => {
    const text = JSON.stringify(await wholeTimeline(orderId), null, 2);
    saveFile(`order_${orderId}_timeline.json`, text, 'application/json');
  });
  return (
    <>
      <Button size="small" loading={pending} onClick={() => void run()}>
        {t('saveTimeline')}
      </Button>
      {error !== undefined && <ProblemView error={error} />}
    </>
  );
}

interface LaterEntriesProps {
  readonly orderId: string;
  readonly next: string;
  readonly later: TimelinePage | undefined;
  readonly onRead: (later: TimelinePage) => void;
}

/** Reads on in a story that is longer than one page. */
function LaterEntries({ orderId, next, later, onRead }: LaterEntriesProps) {
  const t = useText(words);
  const { run, pending, error } = useAct(async () => {
    const page = await timelinePage(orderId, next);
    onRead({ ...page, data: [...(later?.data ?? []), ...page.data] });
  });
  return (
    <div className="row">
      <Button loading={pending} onClick={() => void run()}>
        {t('laterEntries')}
      </Button>
      {error !== undefined && <ProblemView error={error} />}
    </div>
  );
}

function isProblem({ tone }: TimelineEntry): boolean {
  return PROBLEM_TONES.has(tone);
}

/** Leads from problem to problem, and from the last to the first. */
function focusNextProblem(list: HTMLOListElement | null): void {
  const problems = [...(list?.querySelectorAll<HTMLElement>('.tone-warn, .tone-bad') ?? [])];
  const at = problems.indexOf(document.activeElement as HTMLElement);
  problems[(at + 1) % problems.length]?.focus();
}

function Entry({ entry }: { entry: TimelineEntry }) {
  const t = useText(words);
  const label = useLabel();
  const tongue = useTongue();
  const lane = LANES[entry.lane];
  return (
    <li id={`evt-${entry.key}`} tabIndex={-1} className={`timeline-entry lane-${entry.lane} tone-${entry.tone}`}>
      <div className="timeline-when">
        <TimeText at={entry.at} exact />
        {entry.since_previous_ms !== undefined && entry.since_previous_ms > 0 && (
          <span className="faint">{t('since', { span: duration(entry.since_previous_ms, tongue) })}</span>
        )}
      </div>
      <div className="timeline-what">
        <div className="row">
          <ToneTag tone={entry.tone as Tone}>{lane ? label(lane) : entry.lane}</ToneTag>
          <span className="timeline-summary">{entrySentence(entry, tongue)}</span>
          {entry.duration_ms !== undefined && (
            <span className="faint">{t('took', { span: duration(entry.duration_ms, tongue) })}</span>
          )}
        </div>
        <div className="row hint">
          {entry.actor && <ActorName actor={entry.actor} />}
          {entry.request_id && <IdText value={entry.request_id} what={t('requestId')} />}
          <Facts entry={entry} />
        </div>
      </div>
    </li>
  );
}

function Facts({ entry }: { entry: TimelineEntry }) {
  const t = useText(words);
  if (typeof entry.facts !== 'object' || entry.facts === null || Object.keys(entry.facts).length === 0) return null;
  return (
    <details className="timeline-facts">
      <summary>{t('facts')}</summary>
      <JsonView value={entry.facts} what={entry.summary} />
    </details>
  );
}
