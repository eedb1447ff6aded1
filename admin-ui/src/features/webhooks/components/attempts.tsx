import { useLabel, useText, useTongue } from '@/shared/lib/i18n';
import { duration } from '@/shared/lib/time';
import { Empty } from '@/shared/ui/empty';
import { JsonView } from '@/shared/ui/json-view';
import { ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { Attempt } from '../queries';
import { TRIGGERS } from '../states';

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
          <ToneTag tone={went ? 'ok' : 'bad'}>{String(attempt.status ?? attempt.error_class ?? '—')}</ToneTag>
          {attempt.status !== undefined && attempt.error_class && <span className="mono">{attempt.error_class}</span>}
          <span>{t('total', { span: span(attempt.duration_ms) })}</span>
          <span className="faint">
            {t('timings', {
              dns: span(attempt.dns_ms),
              connect: span(attempt.connect_ms),
              tls: span(attempt.tls_ms),
              first: span(attempt.first_byte_ms),
            })}
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
