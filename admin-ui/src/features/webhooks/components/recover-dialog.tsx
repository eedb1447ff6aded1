import { Button, InputNumber } from 'antd';
import { useId, useState } from 'react';
import { api } from '@/api/client';
import type { components } from '@/api/schema';
import { useText } from '@/shared/lib/i18n';
import { beijing, beijingDay, endOfDay, startOfDay } from '@/shared/lib/time';
import { useAct } from '@/shared/lib/use-act';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { ProblemView } from '@/shared/ui/problem-view';
import { type DayRange, lastDays, RangePicker } from '@/shared/ui/range-picker';
import { words } from '../i18n';
import { type Endpoint, useWebhooksChanged } from '../queries';

type Plan = components['schemas']['RecoveryPlan'];

const RATE = 10;
const MOST_RATE = 100;
/** More than this many need a second look: the reason and the last characters. */
const MANY = 1_000;

/** Sends again what failed within some days: counted first, then as a job. */
export function RecoverDialog({ open, endpoint, onClose }: { open: boolean; endpoint: Endpoint; onClose: () => void }) {
  const t = useText(words);
  const changed = useWebhooksChanged();
  const [range, setRange] = useState<DayRange>(() => lastDays(beijingDay(Date.now()), 7));
  const [rate, setRate] = useState(RATE);
  const [plan, setPlan] = useState<Plan>();
  const params = { path: { endpoint_id: endpoint.id } };
  const body = { from: startOfDay(range.from ?? ''), to: endOfDay(range.to ?? range.from ?? ''), per_second: rate };
  const counting = useAct(async () => {
    const { data } = await api.POST('/admin/v1/webhook-endpoints/{endpoint_id}/recover/plan', { params, body });
    setPlan(data);
  });
  return (
    <DangerDialog
      open={open}
      tier={(plan?.total ?? 0) > MANY ? 2 : 1}
      title={t('recover')}
      effect={t('recoverHint')}
      act={t('recoverAct', { count: plan?.total ?? 0 })}
      target={endpoint.id}
      ready={plan !== undefined && plan.total > 0 && plan.is_served}
      onConfirm={async () => {
        await api.POST('/admin/v1/webhook-endpoints/{endpoint_id}/recover', { params, body });
        await changed();
        return t('recovering');
      }}
      onClose={onClose}
    >
      <RangePicker
        label={t('days')}
        value={range}
        onChange={(next) => {
          setRange(next);
          setPlan(undefined);
        }}
      />
      <RateField value={rate} onChange={setRate} />
      <div>
        <Button onClick={() => void counting.run()} loading={counting.pending} disabled={!range.from}>
          {t('plan')}
        </Button>
      </div>
      {counting.error !== undefined && <ProblemView error={counting.error} />}
      {plan && <PlanView plan={plan} />}
    </DangerDialog>
  );
}

function RateField({ value, onChange }: { value: number; onChange: (rate: number) => void }) {
  const t = useText(words);
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t('rate')}</label>
      <InputNumber
        id={id}
        min={1}
        max={MOST_RATE}
        precision={0}
        value={value}
        onChange={(rate) => onChange(rate ?? RATE)}
      />
    </div>
  );
}

/** What would be sent again, by the type of event. */
function PlanView({ plan }: { plan: Plan }) {
  const t = useText(words);
  return (
    <div role="status" className="stack">
      <p>
        <strong>{t('planTotal', { count: plan.total })}</strong>
      </p>
      <ul>
        {plan.by_type.map((each) => (
          <li key={each.event_type}>
            <span className="mono">{each.event_type}</span> {each.count}{' '}
            <span className="faint">{t('planOldest', { time: beijing(each.oldest) })}</span>
          </li>
        ))}
      </ul>
      {!plan.is_served && <p className="field-error">{t('notServed')}</p>}
      <p className="hint">{t('recoverEffect')}</p>
    </div>
  );
}
