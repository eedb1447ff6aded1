import { Link, useParams } from '@tanstack/react-router';
import type { Tagged } from '@/api/tagged';
import { ProviderName, TenantLink } from '@/app/session/names';
import { FoldedChanges } from '@/features/audit';
import { useText } from '@/shared/lib/i18n';
import { formatRate } from '@/shared/lib/money';
import { IdText } from '@/shared/ui/id-text';
import { ObjectPage } from '@/shared/ui/object-page';
import { Facts, Page, Panel } from '@/shared/ui/page';
import { StatusTag } from '@/shared/ui/status-tag';
import { TimeText } from '@/shared/ui/time-text';
import { MerchantActs } from '../components/merchant-acts';
import { Readiness } from '../components/readiness';
import { SubApps } from '../components/sub-apps';
import { words } from '../i18n';
import { type SubMerchant, useSubMerchant } from '../queries';
import { MERCHANT_STATES } from '../states';

/** One sub-merchant: first whether it can take money. */
export default function SubMerchantPage() {
  const t = useText(words);
  const { merchantId } = useParams({ strict: false }) as { merchantId: string };
  return (
    <ObjectPage title={t('title')} query={useSubMerchant(merchantId)}>
      {(merchant) => <Whole merchant={merchant} />}
    </ObjectPage>
  );
}

function Whole({ merchant }: { merchant: Tagged<SubMerchant> }) {
  const t = useText(words);
  const { value } = merchant;
  return (
    <Page title={value.name} tab={`${value.name} · ${t('title')}`}>
      <MerchantActs merchant={merchant} />
      <Readiness merchantId={value.id} />
      <SubApps merchantId={value.id} />
      <Panel
        title={t('facts')}
        extra={
          <Link to="/orders" search={{ sub_mchid: value.sub_mchid, mode: value.mode } as never}>
            {t('orders')}
          </Link>
        }
      >
        <Facts
          facts={[
            [t('state'), <StatusTag key="state" value={value.state} words={MERCHANT_STATES} />],
            [t('mchid'), <IdText key="mchid" value={value.sub_mchid} what={t('mchid')} />],
            [t('tenantName'), <TenantLink key="tenant" id={value.tenant_id} />],
            [t('providerName'), <ProviderName key="provider" id={value.provider_id} />],
            [t('rate'), value.rate === undefined ? undefined : formatRate(value.rate)],
            [t('note'), value.note],
            [t('created'), <TimeText key="created" at={value.created_at} />],
            [t('id'), <IdText key="id" value={value.id} what={t('id')} />],
          ]}
        />
      </Panel>
      <FoldedChanges target={value.id} />
    </Page>
  );
}
