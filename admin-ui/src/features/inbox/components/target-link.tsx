import { Link } from '@tanstack/react-router';
import { ActorName } from '@/app/session/names';
import { ShortId } from '@/shared/ui/short-id';
import type { Approval } from '../content';

/** The object that a request is about, on its own page. */
export function TargetLink({ approval: { kind, target } }: { approval: Approval }) {
  return kind === 'refund_above_limit' ? (
    <Link to="/orders/$orderId" params={{ orderId: target }}>
      <ShortId id={target} />
    </Link>
  ) : (
    <Link to="/staff/$staffId" params={{ staffId: target }}>
      <ActorName actor={target} />
    </Link>
  );
}
