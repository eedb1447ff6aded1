/** Which look the page has, and how our own CSS learns of it. */
import { useLayoutEffect, useSyncExternalStore } from 'react';
import { usePreference } from '../lib/preferences';
import { customProperties, PALETTES, type ThemeName } from './tokens';

function systemQuery(): MediaQueryList {
  return window.matchMedia('(prefers-color-scheme: dark)');
}

function followSystem(changed: () => void): () => void {
  const query = systemQuery();
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
}

/** The look that is shown: the system's until a person chooses. */
export function useThemeName(): ThemeName {
  const chosen = usePreference('theme');
  const dark = useSyncExternalStore(followSystem, () => systemQuery().matches);
  if (chosen !== 'system') return chosen;
  return dark ? 'dark' : 'light';
}

/** Writes the palette into the page, through the CSS object model, which a strict policy allows. */
export function useApplyTheme(name: ThemeName): void {
  useLayoutEffect(() => {
    const root = document.documentElement;
    root.dataset.theme = name;
    root.style.colorScheme = name;
    for (const [property, value] of Object.entries(customProperties(PALETTES[name])))
      root.style.setProperty(property, value);
  }, [name]);
}
