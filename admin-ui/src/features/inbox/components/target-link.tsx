import { Link } from '@tanstack/react-router';
import type { Approval } from '../content';

/** The object that a request is about, on its own page. */
export function TargetLink({ approval: { kind, target } }: { approval: Approval }) {
  return kind === 'refund_above_limit' ? (
    <Link to="/orders/$orderId" params={{ orderId: target }} className="mono break">
      {target}
    </Link>
  ) : (
    <Link to="/staff/$staffId" params={{ staffId: target }} className="mono break">
      {target}
    </Link>
  );
}
