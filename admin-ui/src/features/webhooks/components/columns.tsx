/** Columns that every list of deliveries has. */
import type { Column } from '@/shared/ui/data-table';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import type { Delivery } from '../queries';
import { DELIVERY_STATES } from '../states';
import { LastResult } from './results';

/** How a delivery stands. */
export const STANDING: readonly Column<Delivery>[] = [
  {
    key: 'state',
    title: { zh: '状态', en: 'State' },
    render: (delivery) => <StatusTag value={delivery.state} words={DELIVERY_STATES} />,
  },
  {
    key: 'last',
    title: { zh: '最近结果', en: 'Last result' },
    render: (delivery) => <LastResult delivery={delivery} />,
  },
  { key: 'attempts', title: { zh: '尝试', en: 'Attempts' }, align: 'right', render: (delivery) => delivery.attempts },
];

/** When a delivery is tried again. */
export const NEXT_TRY: Column<Delivery> = {
  key: 'next',
  title: { zh: '下次尝试', en: 'Next try' },
  width: 150,
  render: (delivery) => <TimeText at={delivery.next_attempt_at} />,
};
