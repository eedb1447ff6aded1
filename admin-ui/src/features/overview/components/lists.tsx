import { Link } from '@tanstack/react-router';
import { isValidElement, type ReactNode } from 'react';
import { CLASSES } from '@/features/finance';
import { REFUND_STATES } from '@/features/refunds';
import { useLabel, useText } from '@/shared/lib/i18n';
import { yuanText } from '@/shared/lib/money';
import { StatusTag, ToneTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { Health } from '../queries';

interface ShortListProps {
  readonly title: string;
  readonly summary: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly ReactNode[])[];
}

/** A few rows with a heading and a sentence. */
function ShortList({ title, summary, head, rows }: ShortListProps) {
  const t = useText(words);
  return (
    <div className="stack">
      <div>
        <h3>{title}</h3>
        <p className="chart-summary">{summary}</p>
      </div>
      {rows.length === 0 ? (
        <p className="faint">{t('none')}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <section className="table-scroll chart-table" tabIndex={0} aria-label={title}>
          <table className="table table-compact">
            <caption className="visually-hidden">{title}</caption>
            <thead>
              <tr>
                {head.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={keyOf(row[0])}>
                  {row.map((cell, at) => (
                    <td key={head[at]} data-label={head[at]}>
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

/** Rows begin with a name, or with what shows one. */
function keyOf(cell: ReactNode): string {
  return isValidElement(cell) ? String(cell.key) : String(cell);
}

/** Is it WeChat or us? */
export function Hosts({ health }: { health: Health }) {
  const t = useText(words);
  return (
    <ShortList
      title={t('hosts')}
      summary={t('hostsSummary')}
      head={[t('host'), t('calls'), t('failed'), t('p95'), t('codes')]}
      rows={health.hosts.map((host) => [
        host.host,
        host.duration.sample,
        host.failed,
        host.duration.p95_ms,
        host.codes.length === 0 ? (
          '—'
        ) : (
          <span key="codes" className="cell-wrap">
            {host.codes.map((code) => `${code.name} ${code.count}`).join(', ')}
          </span>
        ),
      ])}
    />
  );
}

/** What is stuck on its way back. */
export function OpenRefunds({ health }: { health: Health }) {
  const t = useText(words);
  return (
    <ShortList
      title={t('refunds')}
      summary={t('refundsSummary', { slow: health.slow_refunds })}
      head={[t('state'), t('count')]}
      rows={health.open_refunds.map((each) => [
        <StatusTag key={each.name} value={each.name} words={REFUND_STATES} />,
        each.count,
      ])}
    />
  );
}

/** Whether our books equal WeChat's. */
export function Differences({ health }: { health: Health }) {
  const t = useText(words);
  const label = useLabel();
  const className = (code: string) => (CLASSES[code] ? `${code} ${label(CLASSES[code])}` : code);
  return (
    <ShortList
      title={t('differences')}
      summary={t('differencesSummary', { count: health.differences.reduce((sum, each) => sum + each.count, 0) })}
      head={[t('kind'), t('count'), t('delta')]}
      rows={health.differences.map((each) => [className(each.class), each.count, yuanText(each.delta)])}
    />
  );
}

const WARN_DAYS = 60;
const BAD_DAYS = 7;

type Ending = Health['ending_keys'][number];

function toneOf({ days_left }: Ending): 'bad' | 'warn' | 'idle' {
  if (days_left <= BAD_DAYS) return 'bad';
  return days_left <= WARN_DAYS ? 'warn' : 'idle';
}

function OwnerLink({ ending }: { ending: Ending }) {
  const t = useText(words);
  const ofProvider = ending.kind === 'provider_key';
  return (
    <Link to={ofProvider ? `/providers/${ending.owner_id}` : `/tenants/${ending.owner_id}`}>
      {t(ofProvider ? 'providerKey' : 'tenantCertificate')}
    </Link>
  );
}

/** What stops working soon, the first first; each leads to where it is renewed. */
export function EndingKeys({ health }: { health: Health }) {
  const t = useText(words);
  return (
    <ShortList
      title={t('ending')}
      summary={t('endingSummary', { count: health.ending_keys.length })}
      head={[t('what'), t('serial'), t('left'), t('endsAt')]}
      rows={health.ending_keys.map((ending) => [
        <OwnerLink key={ending.id} ending={ending} />,
        <span key="serial" className="mono break">
          {ending.serial}
        </span>,
        <ToneTag key="left" tone={toneOf(ending)}>
          {t('days', { count: ending.days_left })}
        </ToneTag>,
        <TimeText key="ends" at={ending.ends_at} />,
      ])}
    />
  );
}
