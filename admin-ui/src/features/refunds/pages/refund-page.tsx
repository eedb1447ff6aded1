import { Link, useParams } from '@tanstack/react-router';
import { Alert } from 'antd';
import { useState } from 'react';
import { api } from '@/api/client';
import { FoldedChanges } from '@/features/audit';
import { useLabel, useText } from '@/shared/lib/i18n';
import { ActionBar } from '@/shared/ui/action-bar';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { IdText } from '@/shared/ui/id-text';
import { Money } from '@/shared/ui/money';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { RedirectDialog } from '../components/redirect-dialog';
import { words } from '../i18n';
import { type Refund, useRefund, useRefundsChanged } from '../queries';
import { ORIGINS, REFUND_STATES } from '../states';

/** One refund. */
export default function RefundPage() {
  const t = useText(words);
  const { refundId } = useParams({ strict: false }) as { refundId: string };
  const query = useRefund(refundId);
  return (
    <ObjectPage title={t('title')} query={query}>
      {(detail) => <Whole detail={detail} />}
    </ObjectPage>
  );
}

function Whole({ detail }: { detail: Refund }) {
  const t = useText(words);
  const { refund } = detail;
  const [asking, setAsking] = useState(false);
  const [redirecting, setRedirecting] = useState(false);
  const changed = useRefundsChanged();
  return (
    <Page title={`${t('one')} ${refund.merchant_refund_no}`}>
      {refund.state === 'unknown' && <Alert type="warning" showIcon title={t('unknownNote')} />}
      <ActionBar
        actions={detail.actions}
        buttons={[
          { name: 'query', label: { zh: '向微信查询退款', en: 'Ask WeChat about it' }, act: () => setAsking(true) },
          {
            name: 'redirect',
            label: { zh: '改走其他退款方式', en: 'Send it another way' },
            danger: true,
            act: () => setRedirecting(true),
          },
        ]}
      />
      <RefundFacts detail={detail} />
      <DangerDialog
        open={asking}
        tier={1}
        title={t('query')}
        effect={t('queryEffect')}
        act={t('query')}
        target={refund.merchant_refund_no}
        about={refund.id}
        onConfirm={async () => {
          await api.POST('/admin/v1/refunds/{refund_id}/query', { params: { path: { refund_id: refund.id } } });
          await changed();
          return t('queried');
        }}
        onClose={() => setAsking(false)}
      />
      <RedirectDialog open={redirecting} refund={refund} onClose={() => setRedirecting(false)} />
      <FoldedChanges target={refund.id} />
    </Page>
  );
}

function RefundFacts({ detail }: { detail: Refund }) {
  const t = useText(words);
  const label = useLabel();
  const { refund } = detail;
  const origin = ORIGINS[refund.origin];
  return (
    <Panel title={t('facts')}>
      <Facts
        facts={[
          [t('amount'), <Money key="amount" fen={refund.refund} strong />],
          [t('total'), <Money key="total" fen={refund.total} />],
          [t('state'), <StatusTag key="state" value={refund.state} words={REFUND_STATES} />],
          [
            t('order'),
            <Link key="order" to="/orders/$orderId" params={{ orderId: refund.order_id }}>
              {detail.merchant_order_no}
            </Link>,
          ],
          [t('refundNo'), <IdText key="no" value={refund.merchant_refund_no} what={t('refundNo')} />],
          [t('outRefundNo'), <IdText key="out" value={refund.out_refund_no} what={t('outRefundNo')} />],
          [
            t('wechatNo'),
            refund.wechat_refund_id && <IdText key="wx" value={refund.wechat_refund_id} what={t('wechatNo')} />,
          ],
          [t('reason'), refund.reason],
          [t('origin'), origin ? label(origin) : refund.origin],
          [t('account'), refund.received_account],
          [t('subMerchant'), <IdText key="sub" value={refund.sub_mchid} what={t('subMerchant')} />],
          [t('tenant'), refund.tenant_name],
          [t('created'), <TimeText key="created" at={refund.created_at} />],
          [t('accepted'), <TimeText key="accepted" at={refund.accepted_at} />],
          [t('nextTry'), <TimeText key="next" at={refund.next_try_at} />],
          [t('id'), <IdText key="id" value={refund.id} what={t('id')} />],
        ]}
      />
    </Panel>
  );
}
