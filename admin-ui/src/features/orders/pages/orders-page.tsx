import { api } from '@/api/client';
import { useMode } from '@/app/session/use-mode';
import { useCan } from '@/app/session/use-session';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import { formatFen } from '@/shared/lib/money';
import type { Search } from '@/shared/lib/search-string';
import { beijingClock } from '@/shared/lib/time';
import { ExportList } from '@/shared/ui/export-list';
import { ListPage } from '@/shared/ui/list-page';
import { COLUMNS } from '../components/columns';
import { words } from '../i18n';
import { filterOf, useOrderSums, useOrders } from '../queries';
import { FILTERS, VIEWS } from '../search-params';

/** Orders of every tenant, or of one's own. */
export default function OrdersPage() {
  const t = useText(words);
  const can = useCan();
  const { search } = useAddress();
  const mode = useMode(search);
  const query = useOrders(search, mode);
  const start = () => api.POST('/admin/v1/orders/export', { params: { query: filterOf(search, mode) } });
  return (
    <ListPage
      name="orders"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={FILTERS}
      defaults={{ mode }}
      columns={COLUMNS}
      query={query}
      rowKey={(order) => order.id}
      live
      views={VIEWS}
      actions={can('order:export') && <ExportList target="orders" start={start} />}
      beside={<Sums search={search} />}
    />
  );
}

/** Count and sums of the filter, from the server. */
function Sums({ search }: { search: Partial<Search> }) {
  const t = useText(words);
  const mode = useMode(search);
  const { data } = useOrderSums(search, mode);
  if (!data || search.number) return <span />;
  const slots = {
    count: data.count,
    total: formatFen(data.total),
    paid: formatFen(data.paid),
    refunded: formatFen(data.refunded),
    time: beijingClock(data.as_of),
  };
  return <span className="faint">{data.complete ? t('sums', slots) : t('sumsPart', slots)}</span>;
}
