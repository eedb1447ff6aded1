import 'antd/dist/antd.css';
import './shared/theme/global.css';
import './app/layout/layout.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/app';
import { connectSession, startSession } from './app/session/session';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no #root');

connectSession();
void startSession();
createRoot(root).render(<App />);
