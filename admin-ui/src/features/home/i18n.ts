import { dictionary } from '@/shared/lib/i18n';

export const words = dictionary(
  { title: '总览', hello: '你好，{name}。', begin: '从左侧导航开始，或按 Ctrl+K 搜索任意单号。' },
  {
    title: 'Overview',
    hello: 'Hello, {name}.',
    begin: 'Begin in the navigation, or press Ctrl+K to look up any number.',
  },
);
