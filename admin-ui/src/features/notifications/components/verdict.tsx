import { useLabel } from '@/shared/lib/i18n';
import { VERDICTS } from '../states';

/** What followed from a notification, in words. */
export function Verdict({ code }: { code: string | undefined }) {
  const label = useLabel();
  if (!code) return <span className="faint">—</span>;
  const known = VERDICTS[code];
  return (
    <span title={code} className={known ? undefined : 'mono'}>
      {known ? label(known) : code}
    </span>
  );
}
