/** Lets a person hide columns; the first one stays, because it leads to the row's page. */
import { SettingOutlined } from '@ant-design/icons';
import { Button, Checkbox, Popover } from 'antd';
import { useLabel, useText } from '../lib/i18n';
import { choose, preferences, usePreference } from '../lib/preferences';
import type { Column } from './data-table';
import { words } from './words';

/** A button that opens the list of columns. */
export function ColumnChooser<Row>({ name, columns }: { name: string; columns: readonly Column<Row>[] }) {
  const t = useText(words);
  const label = useLabel();
  const kept = usePreference('columns')[name];
  const optional = columns.slice(1);
  const hidden =
    kept === undefined ? optional.filter((column) => column.hidden).map((column) => column.key) : kept.split(',');

  function show(shown: readonly string[]) {
    const rest = optional.map((column) => column.key).filter((key) => !shown.includes(key));
    choose({ columns: { ...preferences().columns, [name]: rest.join(',') } });
  }

  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      content={
        <Checkbox.Group
          className="column-list"
          aria-label={t('columns')}
          options={optional.map((column) => ({ label: label(column.title), value: column.key }))}
          value={optional.map((column) => column.key).filter((key) => !hidden.includes(key))}
          onChange={show}
        />
      }
    >
      <Button icon={<SettingOutlined aria-hidden="true" />}>{t('columns')}</Button>
    </Popover>
  );
}
