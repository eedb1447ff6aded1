import { api } from '@/api/client';
import { useText } from '@/shared/lib/i18n';
import { DangerDialog } from '@/shared/ui/danger-dialog';
import { words } from '../i18n';
import { useWebhooksChanged } from '../queries';

interface ReplayDialogProps {
  readonly open: boolean;
  readonly deliveryId: string;
  /** Where it goes: the address of the endpoint, or its id. */
  readonly to: string;
  readonly onClose: () => void;
}

/** Sends one delivery again, under the same event. */
export function ReplayDialog({ open, deliveryId, to, onClose }: ReplayDialogProps) {
  const t = useText(words);
  const changed = useWebhooksChanged();
  return (
    <DangerDialog
      open={open}
      tier={1}
      title={t('replay')}
      effect={t('replayEffect', { url: to })}
      act={t('replay')}
      target={deliveryId}
      onConfirm={async () => {
        await api.POST('/admin/v1/deliveries/{delivery_id}/replay', { params: { path: { delivery_id: deliveryId } } });
        await changed();
        return t('replayed');
      }}
      onClose={onClose}
    />
  );
}
