import { useText } from '@/shared/lib/i18n';
import { Page } from '@/shared/ui/page';
import { RefundLimit } from '../components/refund-limit';
import { words } from '../i18n';

/** What is chosen for the whole platform, or holds for the member's own tenant. */
export default function SettingsPage() {
  const t = useText(words);
  return (
    <Page title={t('title')}>
      <RefundLimit />
    </Page>
  );
}
