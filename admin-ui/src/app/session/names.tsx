/** What people call a tenant, a provider or a colleague whose id the API gives: from the short lists, each asked for once. */
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { $api } from '@/api/client';
import { type Label, useLabel } from '@/shared/lib/i18n';
import { ShortId } from '@/shared/ui/short-id';
import { useCan } from './use-session';

const KEPT_MS = 5 * 60_000;
const MOST = 100;
const KEPT = { staleTime: KEPT_MS } as const;

/** Something with a name. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

const NOBODY: readonly Named[] = [];

/** The tenants that one may see. */
export function useTenantNames(): readonly Named[] {
  const enabled = useCan()('tenant:read');
  const init = { params: { query: { limit: MOST } } };
  return $api.useQuery('get', '/admin/v1/tenants', init, { ...KEPT, enabled }).data?.data ?? NOBODY;
}

/** The providers that one may see. */
export function useProviderNames(): readonly Named[] {
  const enabled = useCan()('provider:read');
  return $api.useQuery('get', '/admin/v1/providers', {}, { ...KEPT, enabled }).data?.data ?? NOBODY;
}

/** The colleagues that one may see. */
export function useStaffNames(): readonly Named[] {
  const enabled = useCan()('staff:read');
  const init = { params: { query: { limit: MOST } } };
  return $api.useQuery('get', '/admin/v1/staff', init, { ...KEPT, enabled }).data?.data ?? NOBODY;
}

function useNameOf(names: readonly Named[], id: string): string | undefined {
  return useMemo(() => names.find((each) => each.id === id)?.name, [names, id]);
}

/** A tenant by its name, as the way to its page. */
export function TenantLink({ id }: { id: string }) {
  const name = useNameOf(useTenantNames(), id);
  return (
    <Link to={`/tenants/${id}`} title={id} className={name ? undefined : 'mono'}>
      {name ?? id}
    </Link>
  );
}

/** A provider by its name. */
export function ProviderName({ id }: { id: string }) {
  const name = useNameOf(useProviderNames(), id);
  return (
    <span title={id} className={name ? undefined : 'mono'}>
      {name ?? id}
    </span>
  );
}

/** What acts where nobody does. */
const SYSTEM: Label = { zh: '系统', en: 'System' };
const PARTS: Readonly<Record<string, Label>> = {
  approvals: { zh: '审批', en: 'approvals' },
  certificates: { zh: '证书更新', en: 'certificates' },
  cli: { zh: '命令行', en: 'command line' },
  dev: { zh: '开发环境', en: 'development' },
  invitation: { zh: '邀请', en: 'invitation' },
  key_tests: { zh: '密钥自检', en: 'key tests' },
  sign_in: { zh: '登录', en: 'sign-in' },
  signing_keys: { zh: '签名密钥', en: 'signing keys' },
  vault: { zh: '密钥库', en: 'vault' },
};

/** Who did something: a colleague by name, or a part of the platform in words. */
export function ActorName({ actor }: { actor: string }) {
  const label = useLabel();
  const name = useNameOf(useStaffNames(), actor);
  const [kind, part = ''] = actor.split(':');
  if (kind === 'system') {
    const known = PARTS[part];
    const what = known ? label(known) : part;
    return <span title={actor}>{what ? `${label(SYSTEM)} · ${what}` : label(SYSTEM)}</span>;
  }
  return name ? <span title={actor}>{name}</span> : <ShortId id={actor} />;
}
