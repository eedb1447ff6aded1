/** Shows what the state of the session allows: nothing yet, the sign-in, or the pages. */
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { newQueryClient } from '@/api/query-client';
import { LastChange } from '@/features/audit';
import { ThemeProvider } from '@/shared/theme/theme-provider';
import { LastChangeContext } from '@/shared/ui/overtaken';
import { router } from './router';
import { takeInvitation } from './session/invitation';
import type { Me } from './session/session';
import { MeContext, useSession } from './session/use-session';
import { EnrolmentPage, InvitationPage, SignInPage } from './sign-in-page';

/** The whole page. */
export function App() {
  return (
    <ThemeProvider>
      <Session />
    </ThemeProvider>
  );
}

function Session() {
  const session = useSession();
  const [invitation, setInvitation] = useState(takeInvitation);
  const [welcome, setWelcome] = useState(false);
  if (invitation !== undefined) {
    const accepted = () => {
      setWelcome(true);
      setInvitation(undefined);
    };
    return <InvitationPage token={invitation} onAccepted={accepted} />;
  }
  switch (session.kind) {
    case 'starting':
      return null;
    case 'signed_out':
      return <SignInPage welcome={welcome} />;
    case 'enrolling':
      return <EnrolmentPage />;
    default:
      return <SignedIn key={session.me.staff.id} me={session.me} over={session.kind === 'expired'} />;
  }
}

/** One person's pages and answers; another person begins with none. */
function SignedIn({ me, over }: { me: Me; over: boolean }) {
  const queries = useMemo(newQueryClient, []);
  useEffect(() => {
    if (!over) void queries.invalidateQueries();
  }, [over, queries]);
  return (
    <MeContext value={me}>
      <QueryClientProvider client={queries}>
        <LastChangeContext value={LastChange}>
          <RouterProvider router={router} />
        </LastChangeContext>
      </QueryClientProvider>
    </MeContext>
  );
}
