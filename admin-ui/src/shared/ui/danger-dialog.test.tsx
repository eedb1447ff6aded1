import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ComponentType } from 'react';
import { expect, it, vi } from 'vitest';
import { ProblemError } from '@/api/problem';
import { expectNoViolations } from '../../../tests/axe';
import { ThemeProvider } from '../theme/theme-provider';
import { DangerDialog } from './danger-dialog';
import { LastChangeContext } from './overtaken';
import { TextField } from './text-field';

/** Opens the dialog and waits until it has taken the focus, which would otherwise be taken from what is typed. */
async function open(
  tier: 1 | 2 | 3,
  onConfirm = vi.fn(async () => '已提交'),
  LastChange?: ComponentType<{ about: string }>,
) {
  const onClose = vi.fn();
  render(
    <ThemeProvider>
      <LastChangeContext value={LastChange}>
        <DangerDialog
          open
          tier={tier}
          title="停用端点"
          effect="端点将不再收到事件。"
          act="停用"
          target="ep_ABCD1234"
          about="ep_ABCD1234"
          onConfirm={onConfirm}
          onClose={onClose}
        >
          <TextField label="名称" field="name" value="支流" onChange={() => undefined} />
        </DangerDialog>
      </LastChangeContext>
    </ThemeProvider>,
  );
  await vi.waitFor(() => expect(screen.getByRole('button', { name: '取消' })).toHaveFocus());
  return { onConfirm, onClose };
}

it('starts on cancel', async () => {
  await open(1);
  expect(screen.getByRole('button', { name: '取消' })).toHaveFocus();
});

it('asks for a reason and the last four characters from tier 2 on', async () => {
  const { onConfirm, onClose } = await open(2);
  const act = screen.getByRole('button', { name: '停用' });
  expect(act).toBeDisabled();
  await userEvent.type(screen.getByRole('textbox', { name: '原因' }), '重复');
  await userEvent.type(screen.getByRole('textbox', { name: /最后 4 位/ }), '9999');
  expect(act).toBeDisabled();
  expect(screen.getByText('与最后 4 位不符')).toBeInTheDocument();
  await userEvent.clear(screen.getByRole('textbox', { name: /最后 4 位/ }));
  await userEvent.type(screen.getByRole('textbox', { name: /最后 4 位/ }), '1234');
  await userEvent.click(act);
  expect(onConfirm).toHaveBeenCalledExactlyOnceWith({ reason: '重复', idempotencyKey: expect.stringMatching(/^ui-/) });
  expect(onClose).toHaveBeenCalledOnce();
});

it('sends the same key again after a fault, and keeps what was typed', async () => {
  const onConfirm = vi.fn<(given: { reason: string; idempotencyKey: string }) => Promise<string>>();
  onConfirm.mockRejectedValueOnce(new ProblemError({ status: 503, code: 'busy', title: '忙', fields: [] }));
  onConfirm.mockResolvedValueOnce('已提交');
  const { onClose } = await open(1, onConfirm as never);
  await userEvent.click(screen.getByRole('button', { name: '停用' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('busy');
  expect(onClose).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole('button', { name: '停用' }));
  const keys = onConfirm.mock.calls.map(([given]) => given.idempotencyKey);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBe(keys[1]);
});

async function refused(code: string, fields: { field: string; reason: string }[] = []) {
  const status = fields.length > 0 ? 422 : 412;
  const problem = new ProblemError({ status, code, title: code, fields });
  const opened = await open(1, vi.fn().mockRejectedValueOnce(problem));
  await userEvent.click(screen.getByRole('button', { name: '停用' }));
  await screen.findByRole('alert');
  return opened;
}

it('says that somebody else was faster, and leads to what is there now', async () => {
  const { onClose } = await refused('version_conflict');
  expect(screen.getByRole('alert')).toHaveTextContent('其他人刚刚修改了它');
  expect(screen.getByRole('alert')).toHaveTextContent('没有覆盖他人的修改');
  await expectNoViolations(screen.getByRole('dialog'));
  await userEvent.click(screen.getByRole('button', { name: '查看最新内容' }));
  expect(onClose).toHaveBeenCalledOnce();
});

it('says who was faster, by the id of the object', async () => {
  const problem = new ProblemError({ status: 412, code: 'version_conflict', title: 'x', fields: [] });
  const about = (id: string) => `李四 14:31:05 ${id}`;
  await open(1, vi.fn().mockRejectedValueOnce(problem), ({ about: id }) => <p>{about(id)}</p>);
  await userEvent.click(screen.getByRole('button', { name: '停用' }));
  expect(await screen.findByRole('alert')).toHaveTextContent(about('ep_ABCD1234'));
});

it('shows what the server says about a field at the field, and goes there', async () => {
  await refused('invalid_request', [{ field: '/name', reason: 'too long' }]);
  const field = screen.getByRole('textbox', { name: '名称' });
  expect(field).toHaveFocus();
  expect(field).toBeInvalid();
  expect(field).toHaveAccessibleDescription('too long');
});

it('says that a second person approves in tier 3', async () => {
  await open(3);
  expect(screen.getByText(/另一位有权限的同事/)).toBeInTheDocument();
  await expectNoViolations(screen.getByRole('dialog'));
});
