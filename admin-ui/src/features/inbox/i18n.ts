import { dictionary } from '@/shared/lib/i18n';

export const words = dictionary(
  {
    title: '待办',
    held: '待处置款项',
    noHeld: '没有待处置的款项',
    alarms: '告警',
    noAlarms: '没有未处理的告警',
    resolve: '标记已处理',
    resolveEffect: '请写明处理结果，将与告警一起保存。',
    resolved: '告警已处理',
  },
  {
    title: 'Inbox',
    held: 'Held money',
    noHeld: 'No money is held',
    alarms: 'Alarms',
    noAlarms: 'No open alarm',
    resolve: 'Mark as resolved',
    resolveEffect: 'Say what became of it; it is kept with the alarm.',
    resolved: 'The alarm is resolved',
  },
);
