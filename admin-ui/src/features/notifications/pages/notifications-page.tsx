import { Link } from '@tanstack/react-router';
import { useAddress } from '@/shared/lib/address';
import { useText } from '@/shared/lib/i18n';
import type { Column } from '@/shared/ui/data-table';
import { ListPage } from '@/shared/ui/list-page';
import { ShortId } from '@/shared/ui/short-id';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { Verdict } from '../components/verdict';
import { words } from '../i18n';
import { type Notification, useNotifications } from '../queries';
import { FILTERS } from '../search-params';
import { NOTIFICATION_STATES } from '../states';

const COLUMNS: readonly Column<Notification>[] = [
  {
    key: 'received',
    title: { zh: '接收时间', en: 'Received' },
    width: 150,
    render: (notice) => (
      <Link to="/notifications/$notificationId" params={{ notificationId: notice.id }}>
        <TimeText at={notice.received_at} />
      </Link>
    ),
  },
  {
    key: 'type',
    title: { zh: '类型', en: 'Type' },
    render: (notice) => <span className="mono">{notice.event_type}</span>,
  },
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (notice) => <StatusTag value={notice.state} words={NOTIFICATION_STATES} />,
  },
  {
    key: 'verdict',
    title: { zh: '结论', en: 'Verdict' },
    render: (notice) => <Verdict code={notice.verdict} />,
  },
  {
    key: 'order',
    title: { zh: '订单', en: 'Order' },
    render: (notice) =>
      notice.order_id ? (
        <Link to="/orders/$orderId" params={{ orderId: notice.order_id }}>
          <ShortId id={notice.order_id} />
        </Link>
      ) : (
        <span className="faint">—</span>
      ),
  },
  {
    key: 'notice',
    title: { zh: '微信通知编号', en: "WeChat's id" },
    render: (notice) => <span className="mono">{notice.notice_id}</span>,
  },
  {
    key: 'tries',
    title: { zh: '处理次数', en: 'Tries' },
    align: 'right',
    hidden: true,
    render: (notice) => notice.tries,
  },
];

/** Everything that WeChat told us, with what became of it. */
export default function NotificationsPage() {
  const t = useText(words);
  const { search } = useAddress();
  return (
    <ListPage
      name="notifications"
      title={t('title')}
      caption={t('caption')}
      never={t('never')}
      filters={FILTERS}
      columns={COLUMNS}
      query={useNotifications(search)}
      rowKey={(notice) => notice.id}
    />
  );
}
