/** How every chart looks: our colours, lines told apart by dash and symbol, no motion. */
import type { Palette } from '../theme/tokens';
import type { ChartOption } from './engine';

/** One series of figures over the same points. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

const DASHES = ['solid', 'dashed', 'dotted', [8, 3, 2, 3], [2, 6], [12, 4]] as const;
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow'] as const;

interface Axes {
  /** The points on the horizontal axis. */
  readonly points: readonly string[];
  /** Writes a figure on the vertical axis and in the tooltip. */
  readonly format: (value: number) => string;
  /** Where the vertical axis starts; bars always start at zero. */
  readonly from?: number;
}

function frame(palette: Palette, axes: Axes, series: readonly Series[]): ChartOption {
  const text = { color: palette.second, fontSize: 12 };
  // The title says what a single series is.
  const several = series.length > 1;
  return {
    textStyle: { color: palette.second },
    grid: {
      left: 8,
      right: 16,
      top: several ? 36 : 12,
      bottom: 8,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
    },
    legend: { show: several, top: 0, left: 0, textStyle: text, itemWidth: 28, icon: undefined },
    tooltip: {
      trigger: 'axis',
      backgroundColor: palette.floating,
      borderColor: palette.border,
      textStyle: { color: palette.text, fontSize: 13 },
      renderMode: 'richText',
      valueFormatter: (value: unknown) => (typeof value === 'number' ? axes.format(value) : '—'),
    },
    xAxis: {
      type: 'category',
      data: [...axes.points],
      axisLabel: { ...text, hideOverlap: true },
      axisLine: { lineStyle: { color: palette.border } },
      axisTick: { show: false },
    },
    yAxis: {
      type: 'value',
      min: axes.from,
      axisLabel: { ...text, formatter: axes.format },
      splitLine: { lineStyle: { color: palette.hairline } },
    },
  };
}

/** Lines over time. */
export function lines(palette: Palette, axes: Axes, series: readonly Series[]): ChartOption {
  return {
    ...frame(palette, axes, series),
    series: series.slice(0, 6).map((each, at) => ({
      type: 'line',
      name: each.name,
      data: [...each.values],
      symbol: SYMBOLS[at],
      symbolSize: 6,
      lineStyle: { color: palette.series[at], type: DASHES[at], width: 2 },
      itemStyle: { color: palette.series[at] },
      connectNulls: false,
    })),
  };
}

/** Bars from zero; with `stack` they stand on each other. */
export function bars(palette: Palette, axes: Axes, series: readonly Series[], stack?: string): ChartOption {
  return {
    ...frame(palette, { ...axes, from: undefined }, series),
    aria: { enabled: series.length > 1, label: { enabled: false }, decal: { show: series.length > 1 } },
    series: series.slice(0, 6).map((each, at) => ({
      type: 'bar',
      name: each.name,
      data: [...each.values],
      stack,
      barMaxWidth: 24,
      itemStyle: { color: palette.series[at] },
    })),
  };
}
