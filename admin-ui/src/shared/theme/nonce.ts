/** The nonce of this answer, which the server put into the page for styles that antd adds. */
export function styleNonce(): string | undefined {
  return document.querySelector<HTMLElement>('meta[property="csp-nonce"]')?.nonce || undefined;
}
