/** An amount of money, right-aligned by its column, with figures of equal width. */
import { type Fen, formatFen } from '../lib/money';

/** Shows `¥1,234.50`. */
export function Money({ fen, strong = false }: { fen: Fen; strong?: boolean }) {
  return <span className={strong ? 'money money-strong' : 'money'}>{formatFen(fen)}</span>;
}
