/** A tenant's server that does not always take what it is told. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { asTenant } from './demo';
import { asOwner } from './people';

const TOLD_MS = 30_000;
const LOOK_MS = 500;

/** An endpoint with the server behind it. */
export interface Receiver {
  readonly endpointId: string;
  /** Answers so from now on. */
  answer: number;
  readonly close: () => Promise<void>;
}

/** Registers a server of its own for paid orders, and says how it answers at first. */
export async function newReceiver(answer: number): Promise<Receiver> {
  const state = { answer };
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(state.answer).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const made = await asTenant<{ id: string }>('POST', '/v1/webhook-endpoints', {
    url: `http://127.0.0.1:${port}/hook`,
    events: ['order.paid'],
  });
  return Object.assign(state, {
    endpointId: made.id,
    close: async () => {
      await asTenant('DELETE', `/v1/webhook-endpoints/${made.id}`);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

const options = { timeout: TOLD_MS, interval: LOOK_MS };

/** The delivery of an order to a receiver, once it was answered so. */
export async function toldWith(receiver: Receiver, orderId: string, status: number): Promise<string> {
  const query = `mode=test&subject_id=${orderId}&endpoint_id=${receiver.endpointId}`;
  const told = async () => (await asOwner('GET', `/admin/v1/deliveries?${query}`)).data[0];
  await expect.poll(async () => (await told())?.last_status, options).toBe(status);
  return (await told()).id;
}

/** A delivery that failed: it arrived once, was sent again by hand, and refused then. */
export async function failedDelivery(receiver: Receiver, orderId: string): Promise<string> {
  const id = await toldWith(receiver, orderId, 204);
  receiver.answer = 500;
  await asOwner('POST', `/admin/v1/deliveries/${id}/replay`);
  const state = async () => (await asOwner('GET', `/admin/v1/deliveries/${id}`)).delivery.state;
  await expect.poll(state, options).toBe('failed');
  return id;
}
