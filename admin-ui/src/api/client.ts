/** The typed client of the admin API: paths, parameters and answers come from openapi/admin.json. */
import createFetchClient from 'openapi-fetch';
import createQueryClient from 'openapi-react-query';
import type { paths } from './schema';
import { send, sendBare } from './transport';

const baseUrl = globalThis.location?.origin ?? '';

/** Calls without a cache, for acts. An answer that is no success is thrown as a `ProblemError`. */
export const api = createFetchClient<paths>({ baseUrl, fetch: send });

/** The same without the access token, for the session's own calls. */
export const bareApi = createFetchClient<paths>({ baseUrl, fetch: sendBare });

/** Queries with a cache; their keys are method, path and parameters. */
export const $api = createQueryClient(api);
