/**
 * Who is signed in. The access token lives in this module's memory and nowhere else; the refresh session is in a cookie
 * that no script can read.
 */
import { api, bareApi } from '@/api/client';
import { problemOf } from '@/api/problem';
import type { components } from '@/api/schema';
import { callWith } from '@/api/transport';

/** Who one is, as the server says. */
export type Me = components['schemas']['StaffMe'];

/** What a person signs in with. */
export type SignIn = components['schemas']['NewSession'];

/** Where the session stands. */
export type SessionState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'signed_out' }
  /** Signed in, but nothing is allowed before a second factor is enrolled. */
  | { readonly kind: 'enrolling' }
  | { readonly kind: 'signed_in'; readonly me: Me }
  /** Over, while the page and what was typed into it stay. */
  | { readonly kind: 'expired'; readonly me: Me };

type Grant = components['schemas']['Session'];

/** A token is renewed when it has less than this left. */
const MARGIN_MS = 20_000;
const LOCK = 'tributary-session';

let state: SessionState = { kind: 'starting' };
let access: { token: string; endsAt: number } | undefined;
let csrf: string | undefined;
let renewal: Promise<boolean> | undefined;
const listeners = new Set<() => void>();
const otherTabs = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(LOCK);

function become(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

/** The state now. */
export function sessionState(): SessionState {
  return state;
}

/** Follows the state. */
export function followSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function take(grant: Grant): void {
  access = { token: grant.access_token, endsAt: Date.now() + grant.expires_in * 1_000 };
  csrf = grant.csrf_token;
}

function forget(): void {
  access = undefined;
  csrf = undefined;
}

/** The header of calls that a cookie authenticates. */
export function csrfHeader(): Record<string, string> {
  const token = csrf ?? csrfCookie();
  return token === undefined ? {} : { 'X-CSRF-Token': token };
}

/** After a reload the token is in a cookie of its own, which only pages of this origin can read. */
function csrfCookie(): string | undefined {
  const found = /(?:^|;\s*)__Host-tributary-csrf=([^;]+)/.exec(document.cookie);
  return found?.[1];
}

/** Looks whether a session is there from before; called once, at the start. */
export async function startSession(): Promise<void> {
  try {
    if (csrfCookie() !== undefined && (await renew(undefined))) await loadMe();
    else become({ kind: 'signed_out' });
  } catch {
    // The server does not answer; the sign-in form says so when it is used.
    become({ kind: 'signed_out' });
  }
}

/** Signs in; a fault says what is wrong, such as `second_factor_required`. */
export async function signIn(given: SignIn): Promise<void> {
  forget();
  const { data } = await bareApi.POST('/admin/v1/session', { body: given });
  take(granted(data));
  await loadMe();
}

function granted(grant: Grant | undefined): Grant {
  if (!grant) throw new Error('the server granted a session without saying so');
  return grant;
}

/** Asks who is signed in, after a sign-in, a renewal or a change of one's own account. */
export async function loadMe(): Promise<void> {
  const { data } = await api.GET('/admin/v1/me');
  if (!data) throw new Error('the server did not say who is signed in');
  become(data.staff.second_factor_enrolment_required ? { kind: 'enrolling' } : { kind: 'signed_in', me: data });
}

/** Ends the session here and at the server. */
export async function signOut(): Promise<void> {
  await endAtServer();
  become({ kind: 'signed_out' });
}

/** Ends the session of a person who went away; the page stays under the dialog that asks to sign in again. */
export async function abandonSession(): Promise<void> {
  if (state.kind === 'expired') return;
  endSession();
  await endAtServer();
}

async function endAtServer(): Promise<void> {
  const headers = csrfHeader();
  forget();
  await bareApi.DELETE('/admin/v1/session', { headers }).catch(() => undefined);
  otherTabs?.postMessage('signed_out');
}

/** The session is over; the page stays under the dialog that asks to sign in again. */
export function endSession(): void {
  access = undefined;
  if (state.kind === 'signed_in') become({ kind: 'expired', me: state.me });
  else if (state.kind !== 'expired') become({ kind: 'signed_out' });
}

/** Renews the access token, one tab and one call at a time; answers whether there is one now. */
export function renew(refused: string | undefined): Promise<boolean> {
  if (access && access.token !== refused) return Promise.resolve(true);
  renewal ??= locked(askAgain).finally(() => {
    renewal = undefined;
  });
  return renewal;
}

async function locked(act: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? await navigator.locks.request(LOCK, act) : act();
}

async function askAgain(): Promise<boolean> {
  try {
    const { data } = await bareApi.POST('/admin/v1/session/refresh', { headers: csrfHeader() });
    take(granted(data));
    return true;
  } catch (thrown) {
    if (problemOf(thrown).status !== 401 && access) throw thrown;
    return false;
  }
}

async function token(): Promise<string | undefined> {
  await renewal?.catch(() => false);
  const kept = access;
  if (!kept || kept.endsAt - Date.now() > MARGIN_MS) return kept?.token;
  return (await renew(kept.token)) ? access?.token : kept.token;
}

let stepUpDialog: (() => Promise<boolean>) | undefined;

/** The dialog that asks for a second factor says that it is there. */
export function offerStepUp(ask: () => Promise<boolean>): () => void {
  stepUpDialog = ask;
  return () => {
    stepUpDialog = undefined;
  };
}

/** Makes every call carry this session. */
export function connectSession(): void {
  callWith({ token, renew, stepUp: async () => (await stepUpDialog?.()) ?? false, ended: endSession });
  otherTabs?.addEventListener('message', ({ data }) => data === 'signed_out' && endSession());
}
