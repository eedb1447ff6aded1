import { Link } from '@tanstack/react-router';
import { useText, useTongue } from '@/shared/lib/i18n';
import { formatFen, formatRate } from '@/shared/lib/money';
import { beijingDay, duration } from '@/shared/lib/time';
import { words } from '../i18n';
import { type Figures, type Health, LEAST_SAMPLE } from '../queries';

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
  readonly to: string;
  readonly search?: Record<string, string>;
}

interface TilesProps {
  /** Absent until the server said, and where nothing was placed today. */
  readonly today: Figures | undefined;
  /** Whether the server said. */
  readonly known: boolean;
  readonly health: Health | undefined;
  readonly waiting: number | undefined;
}

/** What is not known is no nought. */
function figure(known: boolean, text: string): string {
  return known ? text : '—';
}

/** Six figures, each the way to its list. */
export function Tiles({ today, known, health, waiting }: TilesProps) {
  const t = useText(words);
  const tongue = useTongue();
  const day = beijingDay(Date.now());
  const range = { from: day, to: day };
  const lag = health?.notification_lag;
  const few = today !== undefined && today.placed < LEAST_SAMPLE;
  const tiles: readonly Tile[] = [
    { name: t('ordersToday'), value: figure(known, String(today?.placed ?? 0)), to: '/orders', search: range },
    {
      name: t('paidToday'),
      value: figure(known, formatFen(today?.paid_amount ?? 0)),
      to: '/orders',
      search: { ...range, time: 'paid' },
    },
    {
      name: t('successToday'),
      value: today && today.success_rate >= 0 ? formatRate(today.success_rate) : '—',
      note: few ? t('small') : undefined,
      to: '/orders',
      search: range,
    },
    {
      name: t('lag'),
      value: lag && lag.sample > 0 ? duration(lag.p95_ms, tongue) : '—',
      note: lag && t('ofSample', { count: lag.sample }),
      to: '/notifications',
    },
    {
      name: t('byQuery'),
      value: figure(known, String(today?.found_by_query ?? 0)),
      to: '/orders',
      search: { ...range, problem: 'found_by_query' },
    },
    { name: t('inbox'), value: waiting === undefined ? '—' : String(waiting), to: '/inbox' },
  ];
  return (
    <ul className="tiles">
      {tiles.map((tile) => (
        <li key={tile.name}>
          <Link to={tile.to} search={(tile.search ?? {}) as never} className="tile">
            <span className="tile-name">{tile.name}</span>
            <span className="tile-value">{tile.value}</span>
            {tile.note && <span className="hint">{tile.note}</span>}
          </Link>
        </li>
      ))}
    </ul>
  );
}
