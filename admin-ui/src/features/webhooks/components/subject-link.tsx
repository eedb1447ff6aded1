import { Link } from '@tanstack/react-router';

/** What an event is about, as a link where it has a page. */
export function SubjectLink({ id }: { id?: string }) {
  if (!id) return <span className="faint">—</span>;
  if (id.startsWith('ord_'))
    return (
      <Link to="/orders/$orderId" params={{ orderId: id }} className="mono">
        {id}
      </Link>
    );
  if (id.startsWith('ref_'))
    return (
      <Link to="/refunds/$refundId" params={{ refundId: id }} className="mono">
        {id}
      </Link>
    );
  return <span className="mono">{id}</span>;
}
