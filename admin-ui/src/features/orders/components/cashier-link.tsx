import { useText } from '@/shared/lib/i18n';
import { words } from '../i18n';

/** The simulator's cashier, where a payer of test mode pays by hand; absent when the order cannot be paid there now. */
export function CashierLink({ url }: { url: string | undefined }) {
  const t = useText(words);
  if (!url) return null;
  return (
    <p className="cashier-link">
      <a href={url} target="_blank" rel="noreferrer">
        {t('cashier')}
      </a>{' '}
      <span className="hint">{t('cashierHint')}</span>
    </p>
  );
}
