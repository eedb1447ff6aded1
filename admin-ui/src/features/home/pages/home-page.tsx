import { useMe } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { Empty } from '@/shared/ui/empty';
import { Page } from '@/shared/ui/page';
import { words } from '../i18n';

/** Greets, and says where to begin. */
export default function HomePage() {
  const t = useText(words);
  const { staff } = useMe();
  return (
    <Page title={t('title')}>
      <Empty text={`${t('hello', { name: staff.name })} ${t('begin')}`} />
    </Page>
  );
}
