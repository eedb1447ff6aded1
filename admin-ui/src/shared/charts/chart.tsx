/** A chart that is never the only carrier of a fact: it says what it shows, and the same data is a table and a file. */
import { Button } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { csvText, saveFile } from '../lib/csv';
import { useText } from '../lib/i18n';
import { PALETTES, type Palette } from '../theme/tokens';
import { useThemeName } from '../theme/use-theme';
import { words } from '../ui/words';
import type { ChartOption, LiveChart } from './engine';

/** The data of a chart, as a table. */
export interface ChartTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

interface ChartProps {
  readonly title: string;
  /** What the chart shows, in a sentence: `最近 24 小时成功率 98.7%`. */
  readonly summary: string;
  readonly option: (palette: Palette) => ChartOption;
  readonly table: ChartTable;
  readonly height?: number;
  /** Nothing of it can be drawn, so that the table stands for it. */
  readonly onlyTable?: boolean;
  /** Called with the index of the point that was clicked. */
  readonly onPoint?: (dataIndex: number, series: string) => void;
}

/** Shows the chart, or its table. */
export function Chart({ title, summary, option, table, height = 240, onlyTable = false, onPoint }: ChartProps) {
  const t = useText(words);
  const [asTable, setAsTable] = useState(false);
  const [failed, setFailed] = useState(false);
  const empty = table.rows.length === 0;
  const inWords = asTable || failed || onlyTable;
  return (
    <figure className="chart">
      <figcaption>
        <strong>{title}</strong>
        <span className="chart-buttons">
          <Button
            size="small"
            type="text"
            disabled={empty || onlyTable}
            aria-pressed={inWords}
            onClick={() => setAsTable(!asTable)}
          >
            {asTable ? t('asChart') : t('asTable')}
          </Button>
          <Button
            size="small"
            type="text"
            disabled={empty}
            onClick={() => saveFile(`${title}.csv`, csvText(table.head, table.rows))}
          >
            {t('csv')}
          </Button>
        </span>
      </figcaption>
      <p className="chart-summary">{summary}</p>
      {failed && <p className="hint">{t('chartFailed')}</p>}
      {empty && <p className="faint">{t('noData')}</p>}
      {!empty && inWords && <DataRows table={table} caption={title} />}
      {!empty && !inWords && (
        <Drawing
          label={`${title}: ${summary}`}
          option={option}
          height={height}
          onPoint={onPoint}
          onFail={() => setFailed(true)}
        />
      )}
    </figure>
  );
}

interface DrawingProps {
  readonly label: string;
  readonly option: (palette: Palette) => ChartOption;
  readonly height: number;
  readonly onPoint?: (dataIndex: number, series: string) => void;
  readonly onFail: () => void;
}

function Drawing({ label, option, height, onPoint, onFail }: DrawingProps) {
  const frame = useRef<HTMLDivElement>(null);
  const live = useRef<LiveChart>(undefined);
  const theme = useThemeName();
  const latest = useRef({ option, onPoint, onFail, theme });
  latest.current = { option, onPoint, onFail, theme };

  useEffect(() => {
    let shown = true;
    import('./engine').then(
      ({ startChart }) => {
        if (!shown || !frame.current) return;
        live.current = startChart(frame.current, (index, series) => latest.current.onPoint?.(index, series));
        live.current.draw(latest.current.option(PALETTES[latest.current.theme]));
      },
      () => latest.current.onFail(),
    );
    return () => {
      shown = false;
      live.current?.end();
      live.current = undefined;
    };
  }, []);

  useEffect(() => live.current?.draw(option(PALETTES[theme])), [option, theme]);

  return <div ref={frame} role="img" aria-label={label} className="chart-frame" style={{ height }} />;
}

function DataRows({ table, caption }: { table: ChartTable; caption: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="table-scroll chart-table" tabIndex={0} aria-label={caption}>
      <table className="table table-compact">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {table.head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr key={row.slice(0, 2).join(' ')}>
              {row.map((cell, at) =>
                at === 0 ? (
                  <th key={table.head[at]} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={table.head[at]} data-label={table.head[at]}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
