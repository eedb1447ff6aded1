/** Server-sent events out of the body of an answer: `EventSource` cannot carry the access token, `fetch` can. */

/** One event. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** More of one event than this is not ours. */
const MOST_PENDING = 65_536;
const LINE_END = /\r\n|\r|\n/;
const EVENT_END = /\r\n\r\n|\r\r|\n\n/;

/** Reads one block of lines; a comment alone is no event. */
function parseEvent(block: string): ServerEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(LINE_END)) {
    const [, name, value = ''] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}

/** Reads until the stream ends. `onSign` is told of every sign of life, be it an event or not. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
  onSign: () => void,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let pending = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onSign();
      pending += decoder.decode(value, { stream: true });
      for (let end = EVENT_END.exec(pending); end; end = EVENT_END.exec(pending)) {
        const found = parseEvent(pending.slice(0, end.index));
        pending = pending.slice(end.index + end[0].length);
        if (found) onEvent(found);
      }
      if (pending.length > MOST_PENDING) throw new Error('an event without an end');
    }
  } finally {
    // Whoever stops reading lets the line go.
    void reader.cancel().catch(() => undefined);
  }
}
