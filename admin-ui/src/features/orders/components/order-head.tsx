import { Link } from '@tanstack/react-router';
import { Alert } from 'antd';
import { useLabel, useText, useTongue } from '@/shared/lib/i18n';
import { duration } from '@/shared/lib/time';
import { IdText } from '@/shared/ui/id-text';
import { Money } from '@/shared/ui/money';
import { Facts, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { words } from '../i18n';
import type { Order } from '../queries';
import { ORDER_STATES, PROBLEMS, TOLD_STATES, TRADE_STATES } from '../states';

/** What is wrong, and the one next step. */
export function ProblemBanner({ problems }: { problems: readonly string[] }) {
  const t = useText(words);
  const label = useLabel();
  if (problems.length === 0) return null;
  return (
    <Alert
      type="warning"
      showIcon
      title={problems.map((code) => (PROBLEMS[code] ? label(PROBLEMS[code]) : code)).join(' · ')}
      description={problems.slice(0, 1).map((code) => {
        const next = PROBLEMS[code]?.next;
        return next ? (
          <span key={code}>
            {t('next')}: {label(next)}
          </span>
        ) : null;
      })}
    />
  );
}

/** Money, states, numbers and the spans between the steps. */
export function OrderHead({ detail }: { detail: Order }) {
  const t = useText(words);
  const tongue = useTongue();
  const label = useLabel();
  const { order } = detail;
  const trade = TRADE_STATES[order.trade_state ?? ''];
  const span = (ms: number | undefined) => (ms === undefined ? '—' : duration(ms, tongue));
  return (
    <Panel>
      <div className="order-sum">
        <Money fen={order.total} strong />
        <StatusTag value={order.state} words={ORDER_STATES} />
        <span className="faint">
          {t('wechatState')} {trade && label(trade)} <span className="mono">{order.trade_state ?? '—'}</span>
        </span>
      </div>
      <Facts
        facts={[
          [t('orderNo'), <IdText key="no" value={order.merchant_order_no} what={t('orderNo')} />],
          [
            t('transaction'),
            order.transaction_id && <IdText key="tx" value={order.transaction_id} what={t('transaction')} />,
          ],
          [
            t('outTradeNo'),
            order.out_trade_no && <IdText key="out" value={order.out_trade_no} what={t('outTradeNo')} />,
          ],
          [
            t('subMerchant'),
            <span key="merchant">
              {order.sub_merchant_name} <IdText value={order.sub_mchid} what={t('subMerchant')} />
            </span>,
          ],
          [
            t('tenant'),
            <Link key="tenant" to="/tenants/$tenantId" params={{ tenantId: order.tenant_id }}>
              {order.tenant_name}
            </Link>,
          ],
          [t('paidAmount'), <Money key="paid" fen={order.paid} />],
          [
            t('refundedAmount'),
            <span key="refunded">
              <Money fen={order.refunded} /> / <Money fen={order.refunding} />
            </span>,
          ],
          [t('told'), <StatusTag key="told" value={order.webhook.state} words={TOLD_STATES} />],
          [t('created'), <TimeText key="created" at={order.created_at} />],
          [t('paidAt'), <TimeText key="paid-at" at={order.paid_at} />],
          [t('orderedToPaid'), span(detail.ordered_to_paid_ms)],
          [t('paidToLearned'), span(detail.paid_to_learned_ms)],
          [t('expires'), <TimeText key="expires" at={order.expires_at} />],
          [
            t('payer'),
            <Link
              key="payer"
              to="/orders"
              search={{ payer_hash: order.payer_hash } as never}
              disabled={!order.payer_hash}
            >
              <span className="mono">{order.payer}</span>
            </Link>,
          ],
          [t('description'), order.description],
          [t('id'), <IdText key="id" value={order.id} what={t('id')} />],
        ]}
      />
    </Panel>
  );
}
