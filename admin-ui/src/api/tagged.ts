/** An object with its version: what was changed in the meantime is not overwritten. */

/** What an edit sends back in `If-Match`. */
export interface Tagged<Value> {
  readonly value: Value;
  readonly etag: string;
}

/** Takes the version out of an answer. */
export function tagged<Value>(answer: { data?: Value; response: Response }): Tagged<Value> {
  if (answer.data === undefined) throw new Error('the server answered without a body');
  return { value: answer.data, etag: answer.response.headers.get('ETag') ?? '' };
}
