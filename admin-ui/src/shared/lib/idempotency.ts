/** One key per act of a person: made when a dialog opens, so that a double click or a retry cannot act twice. */
import { useState } from 'react';

/** Makes a key that nobody else has. */
export function newIdempotencyKey(): string {
  return `ui-${crypto.randomUUID()}`;
}

/** A key that lasts as long as the form that uses it; `renew` is for the next act in the same form. */
export function useIdempotencyKey(): { key: string; renew: () => void } {
  const [key, setKey] = useState(newIdempotencyKey);
  return { key, renew: () => setKey(newIdempotencyKey()) };
}
