import { expect, it } from 'vitest';
import { signaturesIn } from './signatures';

const BOTH = ['v1,abc=', 'v1a,def='];

it('finds signatures however the headers were kept', () => {
  expect(signaturesIn('content-type: application/json\nWebhook-Signature: v1,abc= v1a,def=')).toEqual(BOTH);
  expect(signaturesIn('{"webhook-signature":"v1,abc= v1a,def="}')).toEqual(BOTH);
  expect(signaturesIn('[["webhook-signature","v1,abc= v1a,def="]]')).toEqual(BOTH);
  expect(signaturesIn('[{"name":"webhook-signature","value":"v1,abc= v1a,def="}]')).toEqual(BOTH);
});

it('finds none where there is none', () => {
  expect(signaturesIn(undefined)).toEqual([]);
  expect(signaturesIn('x: y')).toEqual([]);
  expect(signaturesIn('{}')).toEqual([]);
});
