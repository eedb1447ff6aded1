/** Every feature, in the order of the navigation. */
import type { AnyRoute } from '@tanstack/react-router';
import { account } from '@/features/account';
import { home } from '@/features/home';
import { staff } from '@/features/staff';
import type { NavEntry } from './feature';

/** What a feature's index gives. */
export interface Feature {
  readonly nav: readonly NavEntry[];
  readonly routes: readonly AnyRoute[];
}

export const features: readonly Feature[] = [home, staff, account];
