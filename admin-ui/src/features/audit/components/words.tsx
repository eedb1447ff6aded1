import { ActorName } from '@/app/session/names';
import { useLabel } from '@/shared/lib/i18n';
import { IdText } from '@/shared/ui/id-text';
import { ShortId } from '@/shared/ui/short-id';
import { AUDIT_ACTIONS } from '../states';

/** What was done, in words; the server's own word is in the title, because filters take it. */
export function ActionText({ action }: { action: string }) {
  const label = useLabel();
  const known = AUDIT_ACTIONS[action];
  return (
    <span title={action} className={known ? undefined : 'mono'}>
      {known ? label(known) : action}
    </span>
  );
}

/** What it was done to: a colleague by name, anything else by its id. */
export function TargetText({ target }: { target: string | undefined }) {
  if (!target) return <span className="faint">—</span>;
  if (target.startsWith('stf_')) return <ActorName actor={target} />;
  return (
    <IdText value={target} what={target}>
      <ShortId id={target} />
    </IdText>
  );
}
