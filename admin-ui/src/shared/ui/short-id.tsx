/** An id by its kind and its end, where a whole one would crowd out what matters. It is whole for whoever copies or hears it. */

const TAIL = 6;

/** Where the middle begins and ends; nothing is left out of what is short anyway. */
function middleOf(id: string): readonly [from: number, to: number] {
  const from = /^[a-z]+_/.exec(id)?.[0].length ?? 0;
  const to = Math.max(from, id.length - TAIL);
  return to - from > 1 ? [from, to] : [from, from];
}

/** Writes `ord_…AQPRT1`, where only text can stand. */
export function shortId(id: string): string {
  const [from, to] = middleOf(id);
  return from === to ? id : `${id.slice(0, from)}…${id.slice(to)}`;
}

/** Shows it. */
export function ShortId({ id }: { id: string }) {
  const [from, to] = middleOf(id);
  return (
    <span className="mono short-id" title={id}>
      {id.slice(0, from)}
      {to > from && <span className="short-id-middle">{id.slice(from, to)}</span>}
      {id.slice(to)}
    </span>
  );
}
