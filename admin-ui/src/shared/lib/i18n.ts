/** The dictionary: Chinese is the source, English is complete, and the compiler checks keys and placeholders. */
import { useCallback } from 'react';
import { usePreference } from './preferences';

/** What a person may choose; `pseudo` is English made 40 % longer, to find what is cut off. */
export type Language = 'zh-CN' | 'en' | 'pseudo';

/** A text in both languages, for what is written outside a dictionary: states, navigation, columns. */
export interface Label {
  readonly zh: string;
  readonly en: string;
}

type Slots<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Slots<Rest> : never;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Translation<Zh, En> = {
  [Key in keyof Zh]: Key extends keyof En
    ? Same<Slots<Zh[Key]>, Slots<En[Key]>> extends true
      ? En[Key]
      : { placeholders: Slots<Zh[Key]> }
    : string;
} & { [Key in Exclude<keyof En, keyof Zh>]: never };

/** The texts of one feature. */
export interface Dictionary<Zh extends Record<string, string>> {
  readonly zh: Zh;
  readonly en: { readonly [Key in keyof Zh]: string };
}

/** Makes a dictionary; an English text that is missing, or has other placeholders, does not compile. */
export function dictionary<const Zh extends Record<string, string>, const En extends Record<string, string>>(
  zh: Zh,
  en: En & Translation<Zh, En>,
): Dictionary<Zh> {
  return { zh, en: en as Dictionary<Zh>['en'] };
}

type Arguments<Text> = [Slots<Text>] extends [never] ? [] : [Record<Slots<Text>, string | number>];

/** Gives the text of a key, its placeholders filled. */
export type Translate<Zh extends Record<string, string>> = <Key extends keyof Zh>(
  key: Key,
  ...slots: Arguments<Zh[Key]>
) => string;

function fill(text: string, slots: Record<string, string | number> | undefined): string {
  return slots ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(slots[name] ?? whole)) : text;
}

function pseudo(text: string): string {
  return `[${text}${' lorem ipsum dolor sit amet consectetur'.slice(0, Math.ceil(text.length * 0.4))}]`;
}

/** Picks one language of a label. */
export function pick(label: Label, language: Language): string {
  if (language === 'zh-CN') return label.zh;
  return language === 'en' ? label.en : pseudo(label.en);
}

/** Translates outside of components. */
export function translate<Zh extends Record<string, string>>(words: Dictionary<Zh>, language: Language): Translate<Zh> {
  return (key, ...slots) => fill(pick({ zh: words.zh[key] ?? '', en: words.en[key] }, language), slots[0]);
}

/** The language of the page. */
export function useLanguage(): Language {
  return usePreference('language');
}

/** The language for helpers that know two. */
export function useTongue(): 'zh' | 'en' {
  return useLanguage() === 'zh-CN' ? 'zh' : 'en';
}

/** Translates a feature's texts in a component. */
export function useText<Zh extends Record<string, string>>(words: Dictionary<Zh>): Translate<Zh> {
  const language = useLanguage();
  return useCallback((key, ...slots) => translate(words, language)(key, ...slots), [words, language]);
}

/** Picks labels in a component. */
export function useLabel(): (label: Label) => string {
  const language = useLanguage();
  return useCallback((label) => pick(label, language), [language]);
}
