import { useCallback, useMemo } from 'react';
import type { Mode } from '@/app/session/use-mode';
import { ERROR_CLASSES } from '@/features/webhooks';
import { Chart } from '@/shared/charts/chart';
import { bars } from '@/shared/charts/presets';
import { useLabel, useText, useTongue } from '@/shared/lib/i18n';
import { formatFen, formatRate, sumFen, yuanText } from '@/shared/lib/money';
import { addDays, beijingDay, type Day, duration } from '@/shared/lib/time';
import type { Palette } from '@/shared/theme/tokens';
import { shortId } from '@/shared/ui/short-id';
import { words } from '../i18n';
import { type Figures, type Health, LEAST_SAMPLE, useEndpointNames, useMerchantNames } from '../queries';

const RANKED = 20;

/** Fen on an axis: whole yuan, because an axis needs no fen. */
function axisYuan(fen: number): string {
  return formatFen(Math.round(fen)).replace(/\.\d\d$/, '');
}

const DAYS_SHOWN = 30;

/** The last days in order; one without an order is there too, so that a gap is seen as one. */
function everyDay(
  days: readonly Figures[],
): readonly (Pick<Figures, 'paid_amount' | 'refunded_amount'> & { day: Day })[] {
  const known = new Map(days.map((figures) => [figures.key, figures]));
  const today = beijingDay(Date.now());
  return Array.from({ length: DAYS_SHOWN }, (_, back) => {
    const day = addDays(today, back + 1 - DAYS_SHOWN);
    const { paid_amount = 0, refunded_amount = 0 } = known.get(day) ?? {};
    return { day, paid_amount, refunded_amount };
  });
}

/** How much was paid and went back, by Beijing's days. */
export function MoneyByDay({ days }: { days: readonly Figures[] }) {
  const t = useText(words);
  const [paid, refunded] = [t('paid'), t('refunded')];
  const option = useCallback(
    (palette: Palette) => {
      const all = everyDay(days);
      return bars(palette, { points: all.map(({ day }) => day.slice(5)), format: axisYuan }, [
        { name: paid, values: all.map((each) => each.paid_amount) },
        { name: refunded, values: all.map((each) => -each.refunded_amount) },
      ]);
    },
    [days, paid, refunded],
  );
  return (
    <Chart
      title={t('money')}
      summary={t('moneySummary', {
        paid: formatFen(sumFen(days.map((day) => day.paid_amount))),
        refunded: formatFen(sumFen(days.map((day) => day.refunded_amount))),
      })}
      option={option}
      table={{
        head: [t('day'), t('paidYuan'), t('refundedYuan')],
        rows: days.map((day) => [day.key, yuanText(day.paid_amount), yuanText(day.refunded_amount)]),
      }}
    />
  );
}

/** Who has a problem now: the worst sub-merchants first. */
export function SuccessByMerchant({
  merchants,
  mode,
  onOpen,
}: {
  merchants: readonly Figures[];
  mode: Mode;
  onOpen: (mchid: string) => void;
}) {
  const t = useText(words);
  const worst = useMemo(
    () =>
      merchants
        .filter((each) => each.success_rate >= 0)
        .sort((one, other) => one.success_rate - other.success_rate)
        .slice(0, RANKED),
    [merchants],
  );
  const { data: known } = useMerchantNames(mode);
  const names = useMemo(() => new Map(known?.data.map(({ sub_mchid, name }) => [sub_mchid, name])), [known]);
  const nameOf = useCallback((mchid: string) => names.get(mchid) ?? mchid, [names]);
  const rate = t('rate');
  const option = useCallback(
    (palette: Palette) =>
      bars(palette, { points: worst.map((each) => nameOf(each.key)), format: formatRate }, [
        { name: rate, values: worst.map((each) => (each.placed < LEAST_SAMPLE ? null : each.success_rate)) },
      ]),
    [worst, rate, nameOf],
  );
  return (
    <Chart
      title={t('rates')}
      summary={t('ratesSummary')}
      option={option}
      onlyTable={worst.every((each) => each.placed < LEAST_SAMPLE)}
      onPoint={(at) => onOpen(worst[at]?.key ?? '')}
      table={{
        head: [t('merchant'), t('placed'), rate],
        rows: worst.map((each) => [
          nameOf(each.key),
          each.placed,
          each.placed < LEAST_SAMPLE
            ? `${formatRate(each.success_rate)} (${t('small')})`
            : formatRate(each.success_rate),
        ]),
      }}
    />
  );
}

/** Which tenants miss events, by endpoint and cause. */
export function WebhookFailures({
  health,
  mode,
  onOpen,
}: {
  health: Health;
  mode: Mode;
  onOpen: (endpointId: string) => void;
}) {
  const t = useText(words);
  const label = useLabel();
  const { data: endpoints } = useEndpointNames(mode);
  const causeName = useCallback((code: string) => (ERROR_CLASSES[code] ? label(ERROR_CLASSES[code]) : code), [label]);
  const failing = useMemo(() => health.endpoints.filter((each) => each.failed.length > 0).slice(0, RANKED), [health]);
  const names = useMemo(
    () => new Map(endpoints?.data.map(({ id, url, tenant_name }) => [id, { url, tenant_name }])),
    [endpoints],
  );
  const nameOf = useCallback((id: string) => names.get(id)?.tenant_name ?? shortId(id), [names]);
  const causes = useMemo(
    () => [...new Set(failing.flatMap((each) => each.failed.map((cause) => cause.name)))],
    [failing],
  );
  const option = useCallback(
    (palette: Palette) =>
      bars(
        palette,
        { points: failing.map((each) => nameOf(each.endpoint_id)), format: String },
        causes.map((cause) => ({
          name: causeName(cause),
          values: failing.map((each) => each.failed.find((one) => one.name === cause)?.count ?? 0),
        })),
        'cause',
      ),
    [failing, causes, nameOf, causeName],
  );
  const rows = failing.flatMap((each) =>
    each.failed.map(
      (cause) => [names.get(each.endpoint_id)?.url ?? each.endpoint_id, causeName(cause.name), cause.count] as const,
    ),
  );
  return (
    <Chart
      title={t('failures')}
      summary={t('failuresSummary', {
        count: rows.reduce((sum, [, , count]) => sum + count, 0),
        endpoints: failing.length,
      })}
      option={option}
      onPoint={(at) => onOpen(failing[at]?.endpoint_id ?? '')}
      table={{ head: [t('endpoint'), t('cause'), t('times')], rows }}
    />
  );
}

/** Whether WeChat's notifications are late. */
export function NotificationLag({ health }: { health: Health }) {
  const t = useText(words);
  const tongue = useTongue();
  const lag = health.notification_lag;
  const points = useMemo(
    () =>
      lag.sample > 0
        ? ([
            ['p50', lag.p50_ms],
            ['p95', lag.p95_ms],
            ['p99', lag.p99_ms],
          ] as const)
        : [],
    [lag],
  );
  const name = t('milliseconds');
  const option = useCallback(
    (palette: Palette) =>
      bars(palette, { points: points.map(([point]) => point), format: (ms) => duration(ms, tongue) }, [
        { name, values: points.map(([, ms]) => ms) },
      ]),
    [points, name, tongue],
  );
  return (
    <Chart
      title={t('lagChart')}
      summary={t('lagSummary', {
        p50: duration(lag.p50_ms, tongue),
        p95: duration(lag.p95_ms, tongue),
        p99: duration(lag.p99_ms, tongue),
        count: lag.sample,
      })}
      option={option}
      table={{ head: [t('percentile'), name], rows: points }}
    />
  );
}
