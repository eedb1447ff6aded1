import { api } from '@/api/client';
import { useMode } from '@/app/session/use-mode';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { formatFen } from '@/shared/lib/money';
import { beijingClock } from '@/shared/lib/time';
import { ExportList } from '@/shared/ui/export-list';
import { ListPage } from '@/shared/ui/list-page';
import { COLUMNS } from '../components/refund-table';
import { words } from '../i18n';
import { listOf, useRefundSums, useRefunds } from '../queries';
import { FILTERS } from '../search-params';

/** Refunds of every tenant, or of one's own. */
export default function RefundsPage() {
  const t = useText(words);
  const can = useCan();
  const { search } = useAddress();
  const mode = useMode(search);
  const query = useRefunds(search, mode);
  const { data: sums } = useRefundSums(search, mode);
  const start = () => api.POST('/admin/v1/refunds/export', { params: { query: listOf(search, mode) } });
  return (
    <ListPage
      name="refunds"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={FILTERS}
      defaults={{ mode }}
      columns={COLUMNS}
      query={query}
      rowKey={(refund) => refund.id}
      live
      actions={can('order:export') && <ExportList target="refunds" start={start} />}
      beside={
        <span className="faint">
          {sums && t('sums', { count: sums.count, refund: formatFen(sums.refund), time: beijingClock(sums.as_of) })}
        </span>
      }
    />
  );
}
