/** Money is a whole number of fen; nothing here, or anywhere else, computes with fractions. */

/** An amount in fen as the API sends it, or as a form parsed it. */
export type Fen = number | bigint;

/** The largest amount that WeChat takes in one order, in fen: 100,000,000.00 yuan. */
export const MAX_FEN = 10_000_000_000n;

const FEN_PER_YUAN = 100n;

function exact(fen: Fen): bigint {
  if (typeof fen === 'number' && !Number.isSafeInteger(fen)) throw new RangeError(`not a whole number of fen: ${fen}`);
  return BigInt(fen);
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Writes `-¥1,234.50`: the sign first, always two decimals. */
export function formatFen(fen: Fen): string {
  const value = exact(fen);
  return `${value < 0n ? '-' : ''}¥${grouped(wholeYuan(value))}.${cents(value)}`;
}

/** Writes `1234.50`, as a person types it into a field and as a CSV holds it. */
export function yuanText(fen: Fen): string {
  const value = exact(fen);
  return `${value < 0n ? '-' : ''}${wholeYuan(value)}.${cents(value)}`;
}

function wholeYuan(fen: bigint): string {
  return (absolute(fen) / FEN_PER_YUAN).toString();
}

function cents(fen: bigint): string {
  return (absolute(fen) % FEN_PER_YUAN).toString().padStart(2, '0');
}

function absolute(fen: bigint): bigint {
  return fen < 0n ? -fen : fen;
}

/** Why a text is no amount. */
export type AmountFault = 'empty' | 'not_a_number' | 'too_many_decimals' | 'not_positive' | 'too_large';

/** What became of a text that should be an amount of money to move. */
export type ParsedAmount = { fen: bigint } | { fault: AmountFault };

/** Reads yuan as a person types them: `12`, `12.3`, `¥1,234.50`, `１２．３０`. */
export function parseYuan(text: string, most: bigint = MAX_FEN): ParsedAmount {
  const plain = toHalfWidth(text)
    .replace(/[\s,¥￥]/g, '')
    .replace(/元$/, '');
  if (plain === '') return { fault: 'empty' };
  const found = /^(-?)(\d+)(?:\.(\d*))?$/.exec(plain);
  if (!found) return { fault: 'not_a_number' };
  const [, sign = '', whole = '0', decimals = ''] = found;
  if (decimals.length > 2) return { fault: 'too_many_decimals' };
  const fen = BigInt(whole) * FEN_PER_YUAN + BigInt(decimals.padEnd(2, '0'));
  if (sign !== '' || fen === 0n) return { fault: 'not_positive' };
  return fen > most ? { fault: 'too_large' } : { fen };
}

/** Makes the JSON number that the API wants. */
export function toJsonFen(fen: bigint): number {
  const value = Number(fen);
  if (!Number.isSafeInteger(value)) throw new RangeError(`too many fen for JSON: ${fen}`);
  return value;
}

/** Adds amounts exactly. */
export function sumFen(amounts: readonly Fen[]): bigint {
  return amounts.reduce<bigint>((sum, fen) => sum + exact(fen), 0n);
}

/** Writes a rate given in parts of ten thousand: 9870 is `98.70%`. */
export function formatRate(perTenThousand: number): string {
  return `${yuanText(perTenThousand)}%`;
}

/** Turns `１２３．ＡＢ` into `123.AB`, as pasted numbers sometimes are full-width. */
export function toHalfWidth(text: string): string {
  return text
    .replace(/[\uFF01-\uFF5E]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/\u3000/g, ' ');
}
