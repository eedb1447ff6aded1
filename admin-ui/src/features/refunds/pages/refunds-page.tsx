import { useMode } from '@/app/session/use-mode';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { formatFen } from '@/shared/lib/money';
import { beijingClock } from '@/shared/lib/time';
import { ListPage } from '@/shared/ui/list-page';
import { COLUMNS } from '../components/refund-table';
import { words } from '../i18n';
import { useRefundSums, useRefunds } from '../queries';
import { FILTERS } from '../search-params';

/** Refunds of every tenant, or of one's own. */
export default function RefundsPage() {
  const t = useText(words);
  const { search } = useAddress();
  const mode = useMode(search);
  const query = useRefunds(search, mode);
  const { data: sums } = useRefundSums(search, mode);
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
      beside={
        <span className="faint">
          {sums && t('sums', { count: sums.count, refund: formatFen(sums.refund), time: beijingClock(sums.as_of) })}
        </span>
      }
    />
  );
}
