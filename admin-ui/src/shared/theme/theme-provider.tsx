/** antd under our theme, our language and the nonce of this answer. */
import { ConfigProvider } from 'antd';
import en from 'antd/locale/en_US';
import zh from 'antd/locale/zh_CN';
import dayjs from 'dayjs';
import { type ReactNode, useLayoutEffect } from 'react';
import { useLanguage } from '../lib/i18n';
import 'dayjs/locale/zh-cn';
import { styleNonce } from './nonce';
import { antdThemeOf } from './theme';
import { useApplyTheme, useThemeName } from './use-theme';

/** Everything that is shown stands below this. */
export function ThemeProvider({ children }: { children: ReactNode }) {
  const name = useThemeName();
  const chinese = useLanguage() === 'zh-CN';
  useApplyTheme(name);
  useLayoutEffect(() => {
    document.documentElement.lang = chinese ? 'zh-CN' : 'en';
    dayjs.locale(chinese ? 'zh-cn' : 'en');
  }, [chinese]);
  return (
    <ConfigProvider
      theme={antdThemeOf(name)}
      locale={chinese ? zh : en}
      csp={{ nonce: styleNonce() }}
      button={{ autoInsertSpace: false }}
    >
      {children}
    </ConfigProvider>
  );
}
