import { Link, useParams } from '@tanstack/react-router';
import type { Tagged } from '@/api/tagged';
import { useCan } from '@/app/session/use-session';
import { FoldedChanges } from '@/features/audit';
import { RefundLimit } from '@/features/settings';
import { useLabel, useText } from '@/shared/lib/i18n';
import { IdText } from '@/shared/ui/id-text';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { ApiKeys } from '../components/api-keys';
import { Certificates } from '../components/certificates';
import { TenantActs } from '../components/tenant-acts';
import { words } from '../i18n';
import { type Tenant, useTenant } from '../queries';
import { LATE_DECISIONS, TENANT_STATES } from '../states';

/** One tenant: facts, late money, keys, certificates. */
export default function TenantPage() {
  const t = useText(words);
  const { tenantId } = useParams({ strict: false }) as { tenantId: string };
  return (
    <ObjectPage title={t('title')} query={useTenant(tenantId)}>
      {(tenant) => <Whole tenant={tenant} />}
    </ObjectPage>
  );
}

function Whole({ tenant }: { tenant: Tagged<Tenant> }) {
  const t = useText(words);
  const label = useLabel();
  const can = useCan();
  const { value } = tenant;
  const { late_policy: late, settings } = value;
  return (
    <Page title={value.name} tab={`${value.name} · ${t('title')}`}>
      <TenantActs tenant={tenant} />
      <Panel
        title={t('facts')}
        extra={
          <Link to="/sub-merchants" search={{ tenant_id: value.id } as never}>
            {t('merchants')}
          </Link>
        }
      >
        <Facts
          facts={[
            [t('state'), <StatusTag key="state" value={value.state} words={TENANT_STATES} />],
            [t('contact'), value.contact],
            [
              t('expires'),
              settings.order_expires_after_minutes === undefined
                ? t('byDefault')
                : t('minutes', { count: settings.order_expires_after_minutes }),
            ],
            [t('paidLate'), label(LATE_DECISIONS[late.paid_late])],
            [t('duplicatePaid'), label(LATE_DECISIONS[late.duplicate_paid])],
            [t('amountMismatch'), label(LATE_DECISIONS[late.amount_mismatch])],
            [t('created'), <TimeText key="created" at={value.created_at} />],
            [t('id'), <IdText key="id" value={value.id} what={t('id')} />],
          ]}
        />
      </Panel>
      {can('refund:read') && <RefundLimit tenantId={value.id} />}
      {can('credential:read') && (
        <>
          <ApiKeys tenantId={value.id} />
          <Certificates tenantId={value.id} />
        </>
      )}
      <FoldedChanges target={value.id} />
    </Page>
  );
}
