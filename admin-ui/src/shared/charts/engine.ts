/** The drawing library, in a chunk of its own that only pages with charts load. */
import { BarChart, LineChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([AriaComponent, BarChart, GridComponent, LegendComponent, LineChart, SVGRenderer, TooltipComponent]);

/** What the library draws. */
export type ChartOption = EChartsCoreOption;

/** A chart on the page. */
export interface LiveChart {
  draw: (option: ChartOption) => void;
  end: () => void;
}

/** Starts a chart that follows the size of its frame. */
export function startChart(frame: HTMLElement, onPoint: (dataIndex: number, series: string) => void): LiveChart {
  const chart = init(frame, null, { renderer: 'svg' });
  chart.on('click', (point) => onPoint(point.dataIndex, point.seriesName ?? ''));
  const size = new ResizeObserver(() => chart.resize());
  size.observe(frame);
  return {
    draw: (option) => chart.setOption({ animation: false, ...option }, true),
    end: () => {
      size.disconnect();
      chart.dispose();
    },
  };
}
