/** What `tributary dev` writes down for programs. */
import 'vitest';

/** As much of `dev.json` as the flows use. */
export interface DevFacts {
  readonly api_url: string;
  readonly admin_url: string;
  readonly sim_url: string;
  readonly tenant_id: string;
  readonly api_key: string;
  readonly sub_mchid: string;
  readonly sub_appid: string;
  readonly demo_openid: string;
  readonly receiver_url: string;
  readonly provider: { readonly sp_mchid: string };
  /** Whoever may do everything, with what a sign-in needs. */
  readonly owner: Person;
}

/** A person who signs in. */
export interface Person {
  readonly email: string;
  readonly password: string;
  /** The telephone's; people of a tenant may do without. */
  readonly totp_secret?: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    facts: DevFacts;
  }
}
