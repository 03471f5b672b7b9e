// A chart of the last minutes. The numbers beside it say the same to who cannot see it.

import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { samples, type Sample } from "../history.ts";

export interface Series {
  readonly of: Exclude<keyof Sample, "atS">;
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly colour: string;
}

export interface ChartProps {
  readonly title: string;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** Changes when there is more to draw. */
  readonly at: number;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const HEIGHT_PX = 190;
const SHOWN_S = 300;

export function Chart({ title, series, format, at }: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    const { current } = box;
    if (current === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(series, format, current.clientWidth), dataOf(series), current);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: current.clientWidth, height: HEIGHT_PX }));
    resized.observe(current);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    theme.addEventListener("change", draw);
    const chosen = new MutationObserver(draw);
    chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      chosen.disconnect();
      theme.removeEventListener("change", draw);
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(dataOf(series)), [at]);
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {series.map(({ label, of, colour }) => (
            <li key={of}>
              <span class={`swatch ${colour}`} aria-hidden="true" />
              {label}
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={box} class="plot" aria-hidden="true" />
    </figure>
  );
}

function dataOf(series: readonly Series[]): uPlot.AlignedData {
  const shown = samples.filter(({ atS }) => atS >= (samples.at(-1)?.atS ?? 0) - SHOWN_S);
  return [shown.map(({ atS }) => atS), ...series.map(({ of }) => shown.map((sample) => sample[of]))];
}

function optionsOf(series: readonly Series[], format: ChartProps["format"], width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_plot, _min, max) => [max - SHOWN_S, max] },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, values: (_plot, values) => values.map((atS) => CLOCK.format(atS * 1_000)) },
      { ...axis, size: 64, values: (_plot, values) => values.map(format) },
    ],
    series: [
      {},
      ...series.map((one) => ({ label: one.label, stroke: colour(one.colour), width: 2, points: { show: false } })),
    ],
  };
}
