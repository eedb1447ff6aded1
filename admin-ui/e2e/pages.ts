/** Every page of the app, for the checks that go through all of them. */

/** A page, and what must be on it before it is looked at. */
export interface PageToSee {
  readonly name: string;
  readonly path: string;
  readonly heading: string | RegExp;
}

export const PAGES: readonly PageToSee[] = [
  { name: 'overview', path: '/', heading: '总览' },
  { name: 'inbox', path: '/inbox', heading: '待办' },
  { name: 'orders', path: '/orders', heading: '订单' },
  { name: 'refunds', path: '/refunds', heading: '退款' },
  { name: 'sub-merchants', path: '/sub-merchants', heading: '特约商户' },
  { name: 'tenants', path: '/tenants', heading: '租户' },
  { name: 'recon', path: '/recon', heading: '对账' },
  { name: 'bills', path: '/bills', heading: '账单' },
  { name: 'endpoints', path: '/endpoints', heading: 'Webhook 端点' },
  { name: 'deliveries', path: '/deliveries', heading: '投递' },
  { name: 'notifications', path: '/notifications', heading: '微信通知' },
  { name: 'providers', path: '/providers', heading: '服务商账号' },
  { name: 'jobs', path: '/jobs', heading: '后台任务' },
  { name: 'staff', path: '/staff', heading: '人员与角色' },
  { name: 'audit', path: '/audit', heading: '审计日志' },
  { name: 'system', path: '/system', heading: '系统状态' },
  { name: 'settings', path: '/settings', heading: '设置' },
  { name: 'account', path: '/account', heading: '我的账号' },
  { name: 'not-found', path: '/nowhere', heading: '没有这个页面' },
];
