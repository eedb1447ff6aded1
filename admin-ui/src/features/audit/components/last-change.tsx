import { $api } from '@/api/client';
import { useCan } from '@/app/session/use-session';
import { useLabel, useText } from '@/shared/lib/i18n';
import { beijingClock } from '@/shared/lib/time';
import { words } from '../i18n';
import { AUDIT_ACTIONS } from '../states';

/** Who changed an object last, when and how, for a dialog that came too late; nothing for those who may not know. */
export default function LastChange({ about }: { about: string }) {
  const t = useText(words);
  const label = useLabel();
  const can = useCan();
  const { data } = $api.useQuery(
    'get',
    '/admin/v1/audit',
    { params: { query: { target: about, limit: 1 } } },
    { enabled: can('audit:read'), staleTime: 0 },
  );
  const entry = data?.data[0];
  const actor = entry?.actor ?? '';
  const isPerson = actor.startsWith('stf_');
  const person = $api.useQuery(
    'get',
    '/admin/v1/staff/{staff_id}',
    { params: { path: { staff_id: actor } } },
    { enabled: isPerson && can('staff:read') },
  );
  if (!entry) return null;
  const known = AUDIT_ACTIONS[entry.action];
  const action = known ? label(known) : entry.action;
  const slots = { who: person.data?.name ?? actor, time: beijingClock(entry.at), action };
  return (
    <p>
      <strong>{t('changedBy', slots)}</strong>
      {entry.reason && `: ${entry.reason}`}
    </p>
  );
}
