import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// Nothing here takes long, but the machine may have other things to do.
configure({ asyncUtilTimeout: 10_000 });

afterEach(cleanup);
