import { expect, it } from 'vitest';
import { fieldPath, problemOf, readProblem } from './problem';

it('reads what the server says', () => {
  const headers = new Headers({ 'Retry-After': '30', 'X-Request-Id': 'req_header' });
  const body = {
    code: 'rate_limited',
    title: 'Too many requests',
    errors: [{ field: '/amount/total', reason: 'at least 1' }, { nonsense: true }],
  };
  expect(readProblem(429, headers, body)).toMatchObject({
    code: 'rate_limited',
    requestId: 'req_header',
    retryAfterSeconds: 30,
    fields: [{ field: '/amount/total', reason: 'at least 1' }],
  });
});

it('makes do with an answer that is no problem document', () => {
  expect(readProblem(502, new Headers(), '<html>')).toMatchObject({ status: 502, code: 'http_502', fields: [] });
  expect(problemOf(new TypeError('Failed to fetch'))).toMatchObject({ status: 0, code: 'no_answer' });
});

it('turns pointers into paths of a form', () => {
  expect(fieldPath('/amount/total')).toEqual(['amount', 'total']);
  expect(fieldPath('limit')).toEqual(['limit']);
});

it('finds what the server names in its sentences', () => {
  const told = (code: string, detail: string) => readProblem(409, new Headers(), { code, title: code, detail });
  expect(told('permission_denied', 'the permission order:read is missing').permission).toBe('order:read');
  expect(told('approval_required', 'apr_01JAE2 waits for a second person').approvalId).toBe('apr_01JAE2');
  expect(told('state_conflict', 'apr_01JAE2 is done').approvalId).toBeUndefined();
});
