/**
 * What a person chose for this browser. Only looks and named filters are kept here: never a token, nor what the server answered.
 */
import { useSyncExternalStore } from 'react';
import type { Language } from './i18n';

/** What may be chosen. */
export interface Preferences {
  language: Language;
  theme: 'system' | 'light' | 'dark';
  density: 'compact' | 'comfortable';
  sidebar: 'open' | 'folded';
  /** Whether single letters act (WCAG 2.1.4). */
  shortcuts: 'on' | 'off';
  /** Hidden columns by table, separated by commas. */
  columns: Readonly<Record<string, string>>;
  /** Query strings by list and name. */
  views: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Views of one list that a person keeps at most. */
export const MOST_VIEWS = 20;

/** More than any list has columns, or may have views. */
const MOST_KEPT = 100;
const KEY = 'tributary.preferences';
const DEFAULTS: Preferences = {
  language: 'zh-CN',
  theme: 'system',
  density: 'compact',
  sidebar: 'open',
  shortcuts: 'on',
  columns: {},
  views: {},
};

const ALLOWED: { [Name in Exclude<keyof Preferences, 'columns' | 'views'>]: readonly Preferences[Name][] } = {
  language: ['zh-CN', 'en', 'pseudo'],
  theme: ['system', 'light', 'dark'],
  density: ['compact', 'comfortable'],
  sidebar: ['open', 'folded'],
  shortcuts: ['on', 'off'],
};

let current: Preferences = read();
const listeners = new Set<() => void>();

function read(): Preferences {
  try {
    return checked(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
  } catch {
    return DEFAULTS;
  }
}

function checked(found: Record<string, unknown>): Preferences {
  const kept: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, values] of Object.entries(ALLOWED))
    if ((values as readonly unknown[]).includes(found[name])) kept[name] = found[name];
  kept.columns = texts(found.columns);
  kept.views = Object.fromEntries(Object.entries(object(found.views)).map(([list, views]) => [list, texts(views)]));
  return kept as unknown as Preferences;
}

function object(found: unknown): object {
  return typeof found === 'object' && found !== null ? found : {};
}

function texts(found: unknown): Record<string, string> {
  const kept = Object.entries(object(found)).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(kept.slice(0, MOST_KEPT));
}

/** What is chosen now. */
export function preferences(): Preferences {
  return current;
}

/** Chooses, tells everybody, and keeps it where the browser lets us. */
export function choose(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing forgets the choice at the next start.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** One choice, followed. */
export function usePreference<Name extends keyof Preferences>(name: Name): Preferences[Name] {
  return useSyncExternalStore(subscribe, () => current[name]);
}
