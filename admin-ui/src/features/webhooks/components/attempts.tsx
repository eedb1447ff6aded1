import { useLabel, useText, useTongue } from '@/shared/lib/i18n';
import { duration } from '@/shared/lib/time';
import { Empty } from '@/shared/ui/empty';
import { JsonView } from '@/shared/ui/json-view';
import { ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { Attempt } from '../queries';
import { ERROR_CLASSES, TRIGGERS } from '../states';

/** Each attempt with its timings and, on demand, what was sent and answered. */
export function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  const t = useText(words);
  if (attempts.length === 0) return <Empty text={t('noAttempts')} />;
  return (
    <ol className="timeline">
      {attempts.map((attempt) => (
        <OneAttempt key={attempt.number} attempt={attempt} />
      ))}
    </ol>
  );
}

function OneAttempt({ attempt }: { attempt: Attempt }) {
  const t = useText(words);
  const label = useLabel();
  const tongue = useTongue();
  const went = attempt.status !== undefined && attempt.status >= 200 && attempt.status < 300;
  const span = (ms: number | undefined) => (ms === undefined ? '—' : duration(ms, tongue));
  const trigger = TRIGGERS[attempt.trigger];
  const known = ERROR_CLASSES[attempt.error_class ?? ''];
  const failure = known ? label(known) : attempt.error_class;
  const spans = [
    [t('dns'), attempt.dns_ms],
    [t('connect'), attempt.connect_ms],
    [t('tls'), attempt.tls_ms],
    [t('first'), attempt.first_byte_ms],
  ] as const;
  return (
    <li className={`timeline-entry tone-${went ? 'ok' : 'bad'}`}>
      <div className="timeline-when">
        <TimeText at={attempt.started_at} exact />
        <span className="faint">
          #{attempt.number} {trigger ? label(trigger) : attempt.trigger}
        </span>
      </div>
      <div className="timeline-what">
        <div className="row">
          <ToneTag tone={went ? 'ok' : 'bad'} code={attempt.error_class}>
            {String(attempt.status ?? t('noAnswer'))}
          </ToneTag>
          {attempt.status === undefined && failure && <span>{failure}</span>}
          <span>{t('total', { span: span(attempt.duration_ms) })}</span>
          <span className="faint">
            {spans
              .filter(([, ms]) => ms !== undefined)
              .map(([name, ms]) => `${name} ${span(ms)}`)
              .join(' · ')}
          </span>
          {attempt.remote_ip && (
            <span className="faint">{t('ip', { ip: `${attempt.remote_ip} ${attempt.tls_version ?? ''}` })}</span>
          )}
        </div>
        <Payload title={t('requestHeaders')} text={attempt.request_headers} />
        <Payload title={t('responseHeaders')} text={attempt.response_headers} />
        <Payload title={t('responseBody')} text={attempt.response_body} />
      </div>
    </li>
  );
}

function Payload({ title, text }: { title: string; text?: string }) {
  if (!text) return null;
  return (
    <details className="timeline-facts">
      <summary>{title}</summary>
      <JsonView value={text} what={title} />
    </details>
  );
}
