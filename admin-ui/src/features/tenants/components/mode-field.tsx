import { Radio } from 'antd';
import { useText } from '@/shared/lib/i18n';
import { words } from '../i18n';

export type Mode = 'live' | 'test';

/** Which world a credential opens. */
export function ModeField({ value, onChange }: { value: Mode; onChange: (mode: Mode) => void }) {
  const t = useText(words);
  return (
    <div className="field">
      <span id="mode-field">{t('mode')}</span>
      <Radio.Group
        aria-labelledby="mode-field"
        value={value}
        onChange={({ target }) => onChange(target.value)}
        options={[
          { value: 'test', label: t('test') },
          { value: 'live', label: t('live') },
        ]}
      />
    </div>
  );
}
