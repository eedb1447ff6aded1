import { Link } from '@tanstack/react-router';
import { ShortId } from '@/shared/ui/short-id';

/** What an event is about, as a link where it has a page. */
export function SubjectLink({ id }: { id?: string }) {
  if (!id) return <span className="faint">—</span>;
  if (id.startsWith('ord_'))
    return (
      <Link to="/orders/$orderId" params={{ orderId: id }}>
        <ShortId id={id} />
      </Link>
    );
  if (id.startsWith('ref_'))
    return (
      <Link to="/refunds/$refundId" params={{ refundId: id }}>
        <ShortId id={id} />
      </Link>
    );
  return <ShortId id={id} />;
}
