/** Every value of a closed list of the API has a word in both languages: a value without one would show as a raw code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { JOB_STATES } from '@/features/jobs/states';
import { ORDER_STATES, PROBLEMS, REFUND_SHARES, TOLD_STATES } from '@/features/orders/states';
import { KEY_KINDS, KEY_STATES, PURPOSES, TEST_STATES } from '@/features/providers/states';
import { ORIGINS, REFUND_STATES } from '@/features/refunds/states';
import { ROLES, STAFF_STATES } from '@/features/staff/states';
import { APP_KINDS, BINDINGS, FACTS, MERCHANT_STATES, SOURCES } from '@/features/sub-merchants/states';
import { LATE_DECISIONS, TENANT_STATES } from '@/features/tenants/states';
import { DELIVERY_STATES, ENDPOINT_STATES } from '@/features/webhooks/states';
import type { Label } from '@/shared/lib/i18n';

interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly schema?: { readonly enum?: readonly string[]; readonly $ref?: string };
  }[];
}

interface OpenApi {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, { readonly enum?: readonly string[] }> };
}

const document: OpenApi = JSON.parse(readFileSync('../openapi/admin.json', 'utf8'));

/** The values of a query parameter. */
function ofParameter(path: string, name: string): readonly string[] {
  const schema = document.paths[path]?.get?.parameters?.find((parameter) => parameter.name === name)?.schema;
  const named = schema?.$ref?.split('/').at(-1) ?? '';
  return schema?.enum ?? document.components.schemas[named]?.enum ?? [];
}

function ofSchema(name: string): readonly string[] {
  return document.components.schemas[name]?.enum ?? [];
}

const LISTS: readonly (readonly [name: string, values: readonly string[], words: Readonly<Record<string, Label>>])[] = [
  ['states of orders', ofParameter('/admin/v1/orders', 'state'), ORDER_STATES],
  ['problems', ofParameter('/admin/v1/orders', 'problem'), PROBLEMS],
  ['shares of refunds', ofParameter('/admin/v1/orders', 'refunds'), REFUND_SHARES],
  ['tellings', ofParameter('/admin/v1/orders', 'webhook'), TOLD_STATES],
  ['states of refunds', ofParameter('/admin/v1/refunds', 'state'), REFUND_STATES],
  ['origins of refunds', ofParameter('/admin/v1/refunds', 'origin'), ORIGINS],
  ['states of deliveries', ofParameter('/admin/v1/deliveries', 'state'), DELIVERY_STATES],
  ['states of endpoints', ofParameter('/admin/v1/webhook-endpoints', 'state'), ENDPOINT_STATES],
  ['roles', ofSchema('RoleName'), ROLES],
  ['states of staff', ofSchema('StaffState'), STAFF_STATES],
  ['states of tenants', ofSchema('TenantState'), TENANT_STATES],
  ['decisions about late money', ofSchema('LatePolicyDecision'), LATE_DECISIONS],
  ['states of sub-merchants', ofSchema('SubMerchantState'), MERCHANT_STATES],
  ['facts of readiness', ofSchema('ReadinessFact'), FACTS],
  ['sources of readiness', ofSchema('ReadinessSource'), SOURCES],
  ['kinds of apps', ofSchema('SubAppKind'), APP_KINDS],
  ['bindings of apps', ofSchema('SubAppBinding'), BINDINGS],
  ['kinds of keys', ofSchema('ProviderKeyKind'), KEY_KINDS],
  ['states of keys', ofSchema('ProviderKeyState'), KEY_STATES],
  ['purposes of keys', ofSchema('KeyPurpose'), PURPOSES],
  ['states of self-tests', ofSchema('KeyTestState'), TEST_STATES],
];

describe.each(LISTS)('%s', (_, values, words) => {
  it('are all in the document, and each has its words', () => {
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) {
      expect(words[value]?.zh, value).toMatch(/./);
      expect(words[value]?.en, value).toMatch(/./);
    }
  });
});

it('names the states of jobs, which the document only describes', () => {
  for (const state of ['running', 'paused', 'cancelled', 'succeeded', 'failed'])
    expect(JOB_STATES[state]?.zh).toMatch(/./);
});
