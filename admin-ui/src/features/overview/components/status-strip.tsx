import type { components } from '@/api/schema';
import { QUEUES } from '@/features/system';
import { useLabel, useText } from '@/shared/lib/i18n';
import { beijingClock, millis } from '@/shared/lib/time';
import { ToneTag } from '@/shared/ui/status-tag';
import { words } from '../i18n';
import type { Health } from '../queries';

type System = components['schemas']['SystemObject'];

/** A queue is behind when its oldest row was due this long ago. */
const BEHIND_MS = 60_000;
const MOST = 3;

interface StatusStripProps {
  readonly system: System | undefined;
  readonly health: Health | undefined;
  readonly waiting: number;
}

/** All is well, or the three worst facts. */
export function StatusStrip({ system, health, waiting }: StatusStripProps) {
  const t = useText(words);
  const label = useLabel();
  const queueName = (name: string) => (QUEUES[name] ? label(QUEUES[name]) : name);
  const stuck =
    system?.stuck
      .filter((each) => each.count > 0)
      .map((each) => t('stuck', { count: each.count, name: queueName(each.name) })) ?? [];
  const behind =
    system?.queues
      .filter((queue) => queue.oldest_due_at && Date.now() - (millis(queue.oldest_due_at) ?? 0) > BEHIND_MS)
      .map((queue) => t('behind', { name: queueName(queue.name), time: beijingClock(queue.oldest_due_at ?? '') })) ??
    [];
  const slow = health && health.slow_refunds > 0 ? [t('slowRefunds', { count: health.slow_refunds })] : [];
  const bad = [...stuck, ...behind, ...slow];
  const open = waiting > 0 ? [t('waiting', { count: waiting })] : [];
  return (
    <div className="row" role="status">
      {bad.slice(0, MOST).map((fact) => (
        <ToneTag key={fact} tone="bad">
          {fact}
        </ToneTag>
      ))}
      {bad.length < MOST &&
        open.map((fact) => (
          <ToneTag key={fact} tone="warn">
            {fact}
          </ToneTag>
        ))}
      {bad.length + open.length === 0 && <ToneTag tone="ok">{t('allWell')}</ToneTag>}
    </div>
  );
}
