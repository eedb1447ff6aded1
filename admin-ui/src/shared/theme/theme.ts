/** antd's theme from our tokens. Grounds and borders are set one by one: what the library derives from dark seeds is muddy. */
import { theme as antdTheme, type ThemeConfig } from 'antd';
import { PALETTES, type Palette, type ThemeName } from './tokens';

const FONT =
  "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif";
const MONO = "ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'Liberation Mono', 'Noto Sans Mono CJK SC', monospace";

/** The theme of one look. */
export function antdThemeOf(name: ThemeName): ThemeConfig {
  const palette = PALETTES[name];
  return {
    zeroRuntime: true,
    hashed: false,
    cssVar: { key: `tributary-${name}` },
    algorithm: name === 'dark' ? antdTheme.darkAlgorithm : antdTheme.defaultAlgorithm,
    token: tokens(palette),
    components: {
      Button: {
        primaryColor: palette.onAccent,
        dangerColor: palette.onError,
        primaryShadow: 'none',
        dangerShadow: 'none',
        defaultShadow: 'none',
        defaultBg: palette.panel,
        defaultBorderColor: palette.border,
        defaultColor: palette.text,
      },
      Input: { activeShadow: 'none' },
      Select: { optionSelectedBg: palette.accentWash, optionSelectedColor: palette.text },
      Tabs: { horizontalItemGutter: 24 },
    },
  };
}

function tokens(palette: Palette): ThemeConfig['token'] {
  return {
    fontFamily: FONT,
    fontFamilyCode: MONO,
    fontSize: 14,
    borderRadius: 6,
    sizeUnit: 4,
    motion: false,
    colorPrimary: palette.accent,
    colorPrimaryHover: palette.accentHover,
    colorPrimaryActive: palette.accentHover,
    colorPrimaryText: palette.accent,
    colorPrimaryBg: palette.accentWash,
    colorPrimaryBgHover: palette.accentWash,
    colorLink: palette.link,
    colorLinkHover: palette.link,
    colorLinkActive: palette.link,
    colorError: palette.error,
    colorErrorHover: palette.error,
    colorErrorActive: palette.error,
    colorErrorText: palette.error,
    colorErrorBg: palette.tones.bad.ground,
    colorWarning: palette.tones.warn.text,
    colorWarningBg: palette.tones.warn.ground,
    colorInfo: palette.tones.wait.text,
    colorInfoBg: palette.tones.wait.ground,
    colorSuccess: palette.tones.ok.text,
    colorSuccessBg: palette.tones.ok.ground,
    colorBgLayout: palette.page,
    colorBgContainer: palette.panel,
    colorBgElevated: palette.floating,
    colorBgContainerDisabled: palette.hover,
    colorBgTextHover: palette.hover,
    colorFillAlter: palette.page,
    colorText: palette.text,
    colorTextHeading: palette.text,
    colorTextSecondary: palette.second,
    colorTextTertiary: palette.third,
    colorTextQuaternary: palette.placeholder,
    colorTextDescription: palette.third,
    colorTextPlaceholder: palette.placeholder,
    colorTextDisabled: palette.placeholder,
    colorTextLightSolid: palette.onAccent,
    colorIcon: palette.third,
    colorIconHover: palette.text,
    colorBorder: palette.border,
    colorBorderSecondary: palette.hairline,
    colorSplit: palette.hairline,
    controlItemBgHover: palette.hover,
    controlItemBgActive: palette.accentWash,
    controlOutlineWidth: 2,
  };
}
