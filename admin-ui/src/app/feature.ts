/** What a feature gives to the app: its routes, its place in the navigation, and its words for the search field. */
import type { ReactNode } from 'react';
import type { Label } from '@/shared/lib/i18n';

/** The groups of the side bar, in order. */
export const GROUPS = {
  home: { zh: '工作台', en: 'Home' },
  payments: { zh: '交易', en: 'Payments' },
  merchants: { zh: '商户', en: 'Merchants' },
  finance: { zh: '资金', en: 'Finance' },
  developers: { zh: '开发', en: 'Developers' },
  system: { zh: '系统', en: 'System' },
} as const satisfies Record<string, Label>;

/** One entry of the side bar. It exists only when its page works, and is shown only to those who may see the page. */
export interface NavEntry {
  readonly to: string;
  readonly label: Label;
  readonly icon: ReactNode;
  readonly group: keyof typeof GROUPS;
  /** The permission that the page needs; absent where everybody has it. */
  readonly permission?: string;
  /** The second letter after `g`. */
  readonly letter?: string;
}
