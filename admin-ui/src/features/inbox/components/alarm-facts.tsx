import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { CLASSES } from '@/features/finance';
import { useLabel } from '@/shared/lib/i18n';
import { formatFen } from '@/shared/lib/money';
import { beijing } from '@/shared/lib/time';
import { ShortId } from '@/shared/ui/short-id';
import { ALARM_FACTS } from '../states';

/** Objects that have a page of their own. */
const PAGES: Readonly<Record<string, string>> = {
  refund_id: '/refunds',
  notification_id: '/notifications',
  delivery_id: '/deliveries',
};

/** What was seen, in words: the facts that tell a person where to look. */
export function AlarmFacts({ detail }: { detail: unknown }) {
  const label = useLabel();
  const facts = typeof detail === 'object' && detail !== null ? Object.entries(detail) : [];
  const known = facts.flatMap(([name, value]) => {
    const word = ALARM_FACTS[name];
    return word && value !== null && value !== undefined ? [{ name, word, value }] : [];
  });
  if (known.length === 0) return <span className="faint">—</span>;
  return (
    <span className="cell-wrap fact-list">
      {known.map(({ name, word, value }) => (
        <span key={name}>
          <span className="faint">{label(word)}</span> <Fact name={name} value={value} />
        </span>
      ))}
    </span>
  );
}

function Fact({ name, value }: { name: string; value: unknown }): ReactNode {
  const label = useLabel();
  const text = String(value);
  const page = PAGES[name];
  if (page)
    return (
      <Link to={`${page}/${text}`}>
        <ShortId id={text} />
      </Link>
    );
  if (name === 'class') return <>{CLASSES[text] ? `${text} ${label(CLASSES[text])}` : text}</>;
  if (name === 'total' && typeof value === 'number') return <span className="money">{formatFen(value)}</span>;
  if (name === 'ends_at') return <span className="time">{beijing(text)}</span>;
  return <span className={name === 'serial' || name === 'transaction_id' ? 'mono break' : undefined}>{text}</span>;
}
