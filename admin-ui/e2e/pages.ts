/** Every page of the app, for the checks that go through all of them. */

/** A page, and what must be on it before it is looked at. */
export interface PageToSee {
  readonly name: string;
  readonly path: string;
  readonly heading: string | RegExp;
}

export const PAGES: readonly PageToSee[] = [
  { name: 'home', path: '/', heading: '总览' },
  { name: 'staff', path: '/staff', heading: '人员与角色' },
  { name: 'account', path: '/account', heading: '我的账号' },
  { name: 'not-found', path: '/nowhere', heading: '没有这个页面' },
];
