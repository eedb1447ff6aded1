/** Every feature, in the order of the navigation. */
import type { AnyRoute } from '@tanstack/react-router';
import { account } from '@/features/account';
import { audit } from '@/features/audit';
import { finance } from '@/features/finance';
import { inbox } from '@/features/inbox';
import { jobs } from '@/features/jobs';
import { notifications } from '@/features/notifications';
import { orders } from '@/features/orders';
import { overview } from '@/features/overview';
import { providers } from '@/features/providers';
import { refunds } from '@/features/refunds';
import { settings } from '@/features/settings';
import { staff } from '@/features/staff';
import { subMerchants } from '@/features/sub-merchants';
import { system } from '@/features/system';
import { tenants } from '@/features/tenants';
import { webhooks } from '@/features/webhooks';
import type { NavEntry } from './feature';

/** What a feature's index gives. */
export interface Feature {
  readonly nav: readonly NavEntry[];
  readonly routes: readonly AnyRoute[];
}

export const features: readonly Feature[] = [
  overview,
  inbox,
  orders,
  refunds,
  subMerchants,
  tenants,
  finance,
  webhooks,
  notifications,
  providers,
  jobs,
  staff,
  audit,
  system,
  settings,
  account,
];
