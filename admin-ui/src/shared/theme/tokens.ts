/** Every colour of the interface, once: antd's theme, our own CSS and the charts read them from here. */

/** What a state feels like; each has a shape besides its colour. */
export type Tone = 'ok' | 'wait' | 'warn' | 'bad' | 'idle';

/** The two looks. */
export type ThemeName = 'light' | 'dark';

/** Text on ground. */
export interface Pair {
  readonly text: string;
  readonly ground: string;
}

/** The colours of one look. */
export interface Palette {
  readonly page: string;
  readonly panel: string;
  readonly floating: string;
  readonly text: string;
  readonly second: string;
  readonly third: string;
  readonly placeholder: string;
  readonly accent: string;
  readonly onAccent: string;
  readonly accentHover: string;
  readonly accentWash: string;
  readonly link: string;
  readonly error: string;
  readonly onError: string;
  readonly border: string;
  readonly hairline: string;
  readonly hover: string;
  readonly tones: { readonly [Name in Tone]: Pair };
  /** At most six series, told apart by dash and symbol too. */
  readonly series: readonly [string, string, string, string, string, string];
}

export const PALETTES: { readonly [Name in ThemeName]: Palette } = {
  light: {
    page: '#F5F6F7',
    panel: '#FFFFFF',
    floating: '#FFFFFF',
    text: '#1B1F24',
    second: '#454B54',
    third: '#5A616B',
    placeholder: '#656C76',
    accent: '#0B7A3E',
    onAccent: '#FFFFFF',
    accentHover: '#096634',
    accentWash: '#E7F3EC',
    link: '#0B5CAD',
    error: '#C0182B',
    onError: '#FFFFFF',
    border: '#8B929B',
    hairline: '#E3E6E9',
    hover: '#EEF0F2',
    tones: {
      ok: { text: '#075C2E', ground: '#E3F3E9' },
      wait: { text: '#0A4A8A', ground: '#E6F0FA' },
      warn: { text: '#734400', ground: '#FBF0DC' },
      bad: { text: '#A01224', ground: '#FCE8EA' },
      idle: { text: '#454B54', ground: '#ECEEF0' },
    },
    series: ['#0B7A3E', '#0B5CAD', '#8A5200', '#7A3E9D', '#B3243B', '#4A5560'],
  },
  dark: {
    page: '#0D0F11',
    panel: '#15181B',
    floating: '#1D2125',
    text: '#E7EAED',
    second: '#C2C8CF',
    third: '#A9B0B8',
    placeholder: '#98A0A9',
    accent: '#4CC38A',
    onAccent: '#06210F',
    accentHover: '#6AD3A0',
    accentWash: '#14261C',
    link: '#7CB8FF',
    error: '#FFB3AE',
    onError: '#3B0B0E',
    border: '#6B737C',
    hairline: '#2A2F34',
    hover: '#22272B',
    tones: {
      ok: { text: '#7FE0AE', ground: '#12301F' },
      wait: { text: '#9CCBFF', ground: '#13283D' },
      warn: { text: '#F5C95C', ground: '#35280C' },
      bad: { text: '#FFA9A4', ground: '#3B1719' },
      idle: { text: '#C2C8CF', ground: '#24292D' },
    },
    series: ['#4CC38A', '#7CB8FF', '#F5C95C', '#D3A6F2', '#FFA9A4', '#A9B0B8'],
  },
};

/** The shape that goes with a tone, for those who do not see its colour. */
export const TONE_SHAPES: { readonly [Name in Tone]: string } = {
  ok: '●',
  wait: '○',
  warn: '■',
  bad: '◆',
  idle: '●',
};

/** The custom properties of our own CSS: `--t-page`, `--t-ok-text` and so on. */
export function customProperties(palette: Palette): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(palette))
    if (typeof value === 'string') properties[`--t-${kebab(name)}`] = value;
  for (const [tone, pair] of Object.entries(palette.tones)) {
    properties[`--t-${tone}-text`] = pair.text;
    properties[`--t-${tone}-ground`] = pair.ground;
  }
  return properties;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
