import { useLabel } from '@/shared/lib/i18n';
import { ROLES, type RoleName } from '../states';

/** The roles in words. */
export function RoleTags({ roles }: { roles: readonly RoleName[] }) {
  const label = useLabel();
  return <span>{roles.map((role) => label(ROLES[role] ?? { zh: role, en: role })).join(' · ')}</span>;
}
