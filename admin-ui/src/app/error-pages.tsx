/** What is shown where a page cannot be. */
import { Link } from '@tanstack/react-router';
import { Button } from 'antd';
import { useText } from '@/shared/lib/i18n';
import { Empty } from '@/shared/ui/empty';
import { JsonView } from '@/shared/ui/json-view';
import { Page } from '@/shared/ui/page';
import { words } from './words';

/** No such address. */
export function NotFoundPage() {
  const t = useText(words);
  return (
    <Page title={t('notFoundTitle')}>
      <Empty text={t('notFoundText')}>
        <Link to="/">{t('home')}</Link>
      </Empty>
    </Page>
  );
}

/** The page exists, but not for this person. */
export function ForbiddenPage({ permission }: { permission: string }) {
  const t = useText(words);
  return (
    <Page title={t('forbiddenTitle')}>
      <Empty text={t('forbiddenText', { permission })}>
        <Link to="/">{t('home')}</Link>
      </Empty>
    </Page>
  );
}

/** The page itself failed. */
export function CrashPage({ error }: { error: unknown }) {
  const t = useText(words);
  const facts = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return (
    <Page title={t('crashTitle')}>
      <p>{t('crashText')}</p>
      <JsonView value={facts} what={t('crashTitle')} />
      <div>
        <Button type="primary" onClick={() => window.location.reload()}>
          {t('reload')}
        </Button>
      </div>
    </Page>
  );
}
