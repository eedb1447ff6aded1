/** What the server says went wrong (RFC 9457), and what the network did. */

/** One faulty field: a JSON pointer into the body, or the name of a parameter. */
export interface FieldFault {
  readonly field: string;
  readonly reason: string;
}

/** What WeChat said, when WeChat is the cause. */
export interface WechatCause {
  readonly code?: string;
  readonly message: string;
  readonly cause?: { readonly zh: string; readonly en: string };
  readonly request_id?: string;
  readonly retryable?: boolean;
  readonly who_must_act?: string;
}

/** A fault as a person reads it. */
export interface Problem {
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly fields: readonly FieldFault[];
  readonly retryAfterSeconds?: number;
  readonly wechat?: WechatCause;
  /** The permission that is missing, where one is. */
  readonly permission?: string;
  /** The request that was made instead, where a second person must approve. */
  readonly approvalId?: string;
}

/** A fault, thrown. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.title}`);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

/** No answer came: the machine is offline, or the server does not answer. */
export function noAnswer(cause: unknown): Problem {
  return {
    status: 0,
    code: 'no_answer',
    title: cause instanceof Error ? cause.message : String(cause),
    fields: [],
  };
}

/** Reads a problem out of anything that was thrown. */
export function problemOf(thrown: unknown): Problem {
  return thrown instanceof ProblemError ? thrown.problem : noAnswer(thrown);
}

/** Reads a problem document; an answer that is none still says its status. */
export function readProblem(status: number, headers: Headers, body: unknown): Problem {
  const found = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  return {
    status,
    code: text(found.code) ?? `http_${status}`,
    title: text(found.title) ?? `HTTP ${status}`,
    detail: text(found.detail),
    requestId: text(found.request_id) ?? headers.get('X-Request-Id') ?? undefined,
    fields: fields(found.errors ?? found.fields),
    retryAfterSeconds: seconds(headers.get('Retry-After')),
    wechat: typeof found.wechat === 'object' && found.wechat !== null ? (found.wechat as WechatCause) : undefined,
    permission: found.code === 'permission_denied' ? named(/\b[a-z_]+:[a-z_]+\b/, found.detail) : undefined,
    approvalId: found.code === 'approval_required' ? named(/\bapr_\w+/, found.detail) : undefined,
  };
}

/** The server names it in its sentence: `the permission order:read is missing`, `apr_… waits for a second person`. */
function named(what: RegExp, detail: unknown): string | undefined {
  return typeof detail === 'string' ? what.exec(detail)?.[0] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function seconds(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}

function fields(value: unknown): readonly FieldFault[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (each): each is FieldFault => typeof each?.field === 'string' && typeof each?.reason === 'string',
  );
}

/** The path of a JSON pointer as forms name their fields: `/amount/total` is `['amount', 'total']`. */
export function fieldPath(pointer: string): string[] {
  return pointer
    .split('/')
    .filter((part) => part !== '')
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
}
