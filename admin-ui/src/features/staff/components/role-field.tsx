import { Checkbox } from 'antd';
import { $api } from '@/api/client';
import { useLabel, useText } from '@/shared/lib/i18n';
import { words } from '../i18n';
import { DUTIES, ROLES, type RoleName } from '../states';

interface RoleFieldProps {
  readonly value: readonly RoleName[];
  readonly onChange: (roles: RoleName[]) => void;
  /** Roles that cannot be given here. */
  readonly without?: readonly RoleName[];
}

/** Chooses roles; each says what it may do, as the server lists it. */
export function RoleField({ value, onChange, without = [] }: RoleFieldProps) {
  const t = useText(words);
  const label = useLabel();
  const matrix = $api.useQuery('get', '/admin/v1/permissions', {});
  const roles = matrix.data?.data.filter(({ role }) => !without.includes(role)) ?? [];
  return (
    <div className="field">
      <span id="role-field">{t('roles')}</span>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a border into the dialog. */}
      <div role="group" aria-labelledby="role-field" className="roles">
        {roles.map(({ role, permissions }) => (
          <Checkbox
            key={role}
            checked={value.includes(role)}
            onChange={({ target }) =>
              onChange(target.checked ? [...value, role] : value.filter((each) => each !== role))
            }
          >
            <span title={permissions.join(', ')}>
              {label(ROLES[role])} <span className="hint">{label(DUTIES[role])}</span>
            </span>
          </Checkbox>
        ))}
      </div>
    </div>
  );
}
