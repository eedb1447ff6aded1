import { Checkbox, Segmented } from 'antd';
import { ActorName } from '@/app/session/names';
import type { Address } from '@/shared/lib/address';
import { useLabel, useText, useTongue } from '@/shared/lib/i18n';
import { duration } from '@/shared/lib/time';
import type { Tone } from '@/shared/theme/tokens';
import { Empty } from '@/shared/ui/empty';
import { IdText } from '@/shared/ui/id-text';
import { JsonView } from '@/shared/ui/json-view';
import { ProblemView } from '@/shared/ui/problem-view';
import { ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { entrySentence } from '../entry-words';
import { words } from '../i18n';
import { type TimelineEntry, useTimeline } from '../queries';
import { LANES } from '../states';

interface TimelineProps {
  readonly orderId: string;
  readonly live: boolean;
  readonly address: Address;
}

const PROBLEM_TONES = new Set(['warn', 'bad']);

/** Everything that was asked, said, told and done, oldest first, in four lanes. */
export function Timeline({ orderId, live, address }: TimelineProps) {
  const t = useText(words);
  const label = useLabel();
  const { search, change } = address;
  const query = useTimeline(orderId, live);
  if (query.error) return <ProblemView error={query.error} onRetry={() => query.refetch()} />;
  const entries = (query.data?.data ?? []).filter(
    (entry) => (!search.lane || entry.lane === search.lane) && (!search.only || PROBLEM_TONES.has(entry.tone)),
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
      </div>
      {query.data && entries.length === 0 && <Empty text={t('noEntries')} />}
      <ol className="timeline">
        {entries.map((entry) => (
          <Entry key={entry.key} entry={entry} />
        ))}
      </ol>
      {query.data?.truncated && <p className="hint">{t('truncated')}</p>}
    </div>
  );
}

function Entry({ entry }: { entry: TimelineEntry }) {
  const t = useText(words);
  const label = useLabel();
  const tongue = useTongue();
  const lane = LANES[entry.lane];
  return (
    <li id={`evt-${entry.key}`} className={`timeline-entry lane-${entry.lane} tone-${entry.tone}`}>
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
