/** Language, looks, help and the account, at the same place on all pages. */
import { BulbOutlined, GlobalOutlined, QuestionCircleOutlined, UserOutlined } from '@ant-design/icons';
import { useNavigate } from '@tanstack/react-router';
import { Button, Dropdown, type MenuProps } from 'antd';
import { signOut } from '@/app/session/session';
import { useMe } from '@/app/session/use-session';
import { type Language, useLanguage, useText } from '@/shared/lib/i18n';
import { choose, type Preferences, usePreference } from '@/shared/lib/preferences';
import { words } from '../words';

const LANGUAGES: readonly { readonly value: Language; readonly name: string }[] = [
  { value: 'zh-CN', name: '中文' },
  { value: 'en', name: 'English' },
];
const THEMES = ['system', 'light', 'dark'] as const;

/** The right end of the top bar. */
export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  return (
    <div className="top-end">
      <LanguageMenu />
      <ThemeMenu />
      <HelpButton onHelp={onHelp} />
      <PersonMenu />
    </div>
  );
}

/** Also shown before anybody signs in. */
export function LanguageMenu() {
  const t = useText(words);
  const language = useLanguage();
  const name = LANGUAGES.find((each) => each.value === language)?.name ?? language;
  return (
    <Choice
      icon={<GlobalOutlined aria-hidden="true" />}
      label={t('language', { name })}
      items={LANGUAGES.map(({ value, name: text }) => ({ key: value, label: text }))}
      chosen={language}
      onChoose={(value) => choose({ language: value as Language })}
    />
  );
}

/** Also shown before anybody signs in. */
export function ThemeMenu() {
  const t = useText(words);
  const theme = usePreference('theme');
  const names = { system: t('themeSystem'), light: t('themeLight'), dark: t('themeDark') };
  return (
    <Choice
      icon={<BulbOutlined aria-hidden="true" />}
      label={t('theme', { name: names[theme] })}
      items={THEMES.map((value) => ({ key: value, label: names[value] }))}
      chosen={theme}
      onChoose={(value) => choose({ theme: value as Preferences['theme'] })}
    />
  );
}

function HelpButton({ onHelp }: { onHelp: () => void }) {
  const t = useText(words);
  return (
    <Button
      type="text"
      icon={<QuestionCircleOutlined aria-hidden="true" />}
      aria-label={t('help')}
      title={t('help')}
      onClick={onHelp}
    />
  );
}

function PersonMenu() {
  const t = useText(words);
  const { staff } = useMe();
  const density = usePreference('density');
  const shortcuts = usePreference('shortcuts');
  const items: MenuProps['items'] = [
    { key: 'who', label: staff.email, disabled: true },
    { key: 'account', label: t('myAccount') },
    { key: 'density', label: t('density', { name: density === 'compact' ? t('compact') : t('comfortable') }) },
    { key: 'shortcuts', label: shortcuts === 'on' ? t('shortcutsOn') : t('shortcutsOff') },
    { type: 'divider' },
    { key: 'out', label: t('signOut') },
  ];
  const navigate = useNavigate();
  function act(key: string) {
    if (key === 'account') void navigate({ to: '/account' });
    if (key === 'density') choose({ density: density === 'compact' ? 'comfortable' : 'compact' });
    if (key === 'shortcuts') choose({ shortcuts: shortcuts === 'on' ? 'off' : 'on' });
    if (key === 'out') void signOut();
  }
  return (
    <Dropdown trigger={['click']} menu={{ items, onClick: ({ key }) => act(key) }}>
      <Button type="text" icon={<UserOutlined aria-hidden="true" />} aria-label={t('account', { name: staff.name })}>
        <span className="top-name">{staff.name}</span>
      </Button>
    </Dropdown>
  );
}

interface ChoiceProps {
  readonly icon: React.ReactNode;
  readonly label: string;
  readonly items: { key: string; label: string }[];
  readonly chosen: string;
  readonly onChoose: (key: string) => void;
}

function Choice({ icon, label, items, chosen, onChoose }: ChoiceProps) {
  return (
    <Dropdown
      trigger={['click']}
      menu={{ items, selectable: true, selectedKeys: [chosen], onClick: ({ key }) => onChoose(key) }}
    >
      <Button type="text" icon={icon} aria-label={label} title={label} />
    </Dropdown>
  );
}
