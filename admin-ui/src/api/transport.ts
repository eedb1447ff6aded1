/** How every call leaves this page: with the access token, renewed once when it ended, and with a fresh second factor where the server asks for one. */
import { noAnswer, type Problem, ProblemError, readProblem } from './problem';

/** What the session gives to calls. */
export interface Credentials {
  /** The access token, renewed beforehand if it is about to end; absent while nobody is signed in. */
  readonly token: () => Promise<string | undefined>;
  /** Renews the access token after a 401; answers whether there is a new one. */
  readonly renew: (refused: string) => Promise<boolean>;
  /** Asks the person for a second factor; answers whether it was given. */
  readonly stepUp: () => Promise<boolean>;
  /** Is told that the session is over. */
  readonly ended: () => void;
}

const NOBODY: Credentials = {
  token: async () => undefined,
  renew: async () => false,
  stepUp: async () => false,
  ended: () => undefined,
};

let credentials = NOBODY;

/** Says who calls from now on. */
export function callWith(next: Credentials): void {
  credentials = next;
}

const REPEATABLE = new Set(['GET', 'HEAD']);
const PATIENCE_MS = 30_000;

/** Sends a call; anything but a success is thrown as a `ProblemError`. */
export async function send(request: Request): Promise<Response> {
  const token = await credentials.token();
  const answer = await attempt(request.clone(), token);
  if (answer.ok) return answer;
  const problem = await problemIn(answer);
  if (answer.status === 401 && token !== undefined) {
    if (await credentials.renew(token)) return settle(await attempt(request, await credentials.token()));
    credentials.ended();
  }
  if (problem.code === 'step_up_required' && (await credentials.stepUp()))
    return settle(await attempt(request, await credentials.token()));
  throw new ProblemError(problem);
}

/** Sends a call that the access token has no part in: signing in, and renewing by the cookie. */
export async function sendBare(request: Request): Promise<Response> {
  return settle(await attempt(request, undefined));
}

async function settle(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  throw new ProblemError(await problemIn(answer));
}

async function attempt(request: Request, token: string | undefined): Promise<Response> {
  if (token !== undefined) request.headers.set('Authorization', `Bearer ${token}`);
  const signal = isBounded(request)
    ? AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE_MS)])
    : request.signal;
  try {
    return await fetch(request, { credentials: 'same-origin', signal });
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw new ProblemError(noAnswer(cause));
  }
}

/** Reads end soon or are given up; writes are waited for, and a stream of events ends when it likes. */
function isBounded(request: Request): boolean {
  return REPEATABLE.has(request.method) && request.headers.get('Accept') !== 'text/event-stream';
}

async function problemIn(answer: Response): Promise<Problem> {
  const body: unknown = await answer.json().catch(() => undefined);
  return readProblem(answer.status, answer.headers, body);
}
