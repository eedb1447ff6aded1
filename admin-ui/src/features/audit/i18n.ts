import { dictionary } from '@/shared/lib/i18n';

export const words = dictionary(
  {
    title: '审计日志',
    caption: '审计日志',
    never: '没有审计记录。',
    chain: '校验链',
    holds: '完整：{count} 条记录',
    broken: '第 {number} 条起不一致：{what}',
    part: '已校验 {count} 条',
    export: '导出 CSV',
    exportEffect: '导出当前筛选的审计记录；导出本身也会记入审计。',
    exported: '已导出',
    before: '变更前',
    after: '变更后',
    change: '变更',
  },
  {
    title: 'Audit log',
    caption: 'Audit log',
    never: 'No entries.',
    chain: 'Chain',
    holds: 'Whole: {count} entries',
    broken: 'Broken from entry {number} on: {what}',
    part: '{count} entries checked',
    export: 'Export CSV',
    exportEffect: 'These entries are exported; the audit log says that, too.',
    exported: 'Exported',
    before: 'Before',
    after: 'After',
    change: 'Change',
  },
);
