/** What a person must not overlook: that this is no real money, and that nothing comes through. */
import { useEffect, useSyncExternalStore } from 'react';
import { useMe } from '@/app/session/use-session';
import { useText } from '@/shared/lib/i18n';
import { words } from '../words';

/** A hatched bar over every page of a test environment, and another icon in the browser's tab. */
export function EnvironmentBar() {
  const t = useText(words);
  const test = useMe().environment !== 'production';
  useEffect(() => {
    document.documentElement.dataset.environment = test ? 'test' : 'live';
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (icon) icon.href = `${import.meta.env.BASE_URL}${test ? 'icon-test.svg' : 'icon.svg'}`;
  }, [test]);
  return test ? (
    <div className="environment-bar">
      <span>
        <strong>{t('testBadge')}</strong> {t('testMode')}
      </span>
    </div>
  ) : null;
}

function followOnline(changed: () => void): () => void {
  window.addEventListener('online', changed);
  window.addEventListener('offline', changed);
  return () => {
    window.removeEventListener('online', changed);
    window.removeEventListener('offline', changed);
  };
}

/** Says that the machine is offline. */
export function OfflineBar() {
  const t = useText(words);
  const online = useSyncExternalStore(followOnline, () => navigator.onLine);
  return (
    <div role="status" className={online ? 'visually-hidden' : 'offline-bar'}>
      {online ? '' : t('offline')}
    </div>
  );
}
