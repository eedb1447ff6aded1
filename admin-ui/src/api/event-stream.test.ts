import { expect, it, vi } from 'vitest';
import { readEvents, type ServerEvent } from './event-stream';

function stream(...parts: readonly string[]): ReadableStream<Uint8Array> {
  const bytes = parts.map((part) => new TextEncoder().encode(part));
  return new ReadableStream({
    pull(controller) {
      const next = bytes.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });
}

async function eventsOf(...parts: readonly string[]): Promise<ServerEvent[]> {
  const found: ServerEvent[] = [];
  await readEvents(stream(...parts), (event) => found.push(event), vi.fn());
  return found;
}

it('puts events together, wherever the network cut them', async () => {
  const text =
    ': nothing\n\nevent: changed\ndata: {"kind":"order",\ndata: "id":"ord_1"}\n\nevent: job\r\ndata: {}\r\n\r\n';
  const whole = [
    { event: 'changed', data: '{"kind":"order",\n"id":"ord_1"}' },
    { event: 'job', data: '{}' },
  ];
  expect(await eventsOf(text)).toEqual(whole);
  expect(await eventsOf(...text)).toEqual(whole);
});

it('takes a comment for a sign of life and for no event', async () => {
  const [onEvent, onSign] = [vi.fn(), vi.fn()];
  await readEvents(stream(': nothing\n\n'), onEvent, onSign);
  expect(onEvent).not.toHaveBeenCalled();
  expect(onSign).toHaveBeenCalledOnce();
});

it('gives up on an event that never ends', async () => {
  await expect(eventsOf('data: ', 'x'.repeat(70_000))).rejects.toThrow('without an end');
});
