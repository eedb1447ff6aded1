import { useState } from 'react';
import { api } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { actionOf } from '@/shared/lib/permission';
import { useShortcuts } from '@/shared/lib/shortcuts';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { words } from '../i18n';
import { type Order, useOrdersChanged } from '../queries';
import { RefundDialog } from './refund-dialog';

type Act = 'query' | 'close' | 'refund';

/** What may be done with an order, and its dialogs. */
export function OrderActs({ detail }: { detail: Order }) {
  const t = useText(words);
  const changed = useOrdersChanged();
  const [act, setAct] = useState<Act>();
  const { order, actions } = detail;
  const params = { path: { order_id: order.id } };
  const close = () => setAct(undefined);
  useShortcuts({ R: () => actionOf(actions, 'refund')?.allowed && setAct('refund') });

  return (
    <>
      <ActionBar
        actions={actions}
        buttons={[
          { name: 'query', label: { zh: '向微信查单', en: 'Ask WeChat' }, act: () => setAct('query') },
          { name: 'close', label: { zh: '关闭订单', en: 'Close the order' }, act: () => setAct('close') },
          { name: 'refund', label: { zh: '退款', en: 'Refund' }, danger: true, act: () => setAct('refund') },
        ]}
      />
      <DangerDialog
        open={act === 'query'}
        tier={1}
        title={t('query')}
        effect={t('queryEffect')}
        act={t('query')}
        target={order.merchant_order_no}
        about={order.id}
        onConfirm={async () => {
          await api.POST('/admin/v1/orders/{order_id}/query', { params });
          await changed();
          return t('queried');
        }}
        onClose={close}
      />
      <DangerDialog
        open={act === 'close'}
        tier={1}
        title={t('close')}
        effect={t('closeEffect')}
        act={t('close')}
        target={order.merchant_order_no}
        about={order.id}
        onConfirm={async () => {
          await api.POST('/admin/v1/orders/{order_id}/close', { params });
          await changed();
          return t('closed');
        }}
        onClose={close}
      />
      <RefundDialog open={act === 'refund'} order={order} onClose={close} />
    </>
  );
}
