// Charts: uPlot drawings that can be hovered, zoomed and walked through by keyboard; colours come from page.css.
const DASHES = [[], [8, 4], [8, 3, 2, 3], [2, 3]];
const COLOURS = 10;
const STEPS_OF_ZOOM = 2;

// The colour of a custom property in the present theme.
function colour(property) {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function faint(rgb, share) {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

function shown(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "percent") return `${value.toFixed(2)} %`;
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-4) ? value.toExponential(2) : `${+value.toPrecision(4)}`;
}

// The page has a swatch wherever it has a run: another one is a copy in another look.
function swatch(look) {
  const svg = document.querySelector(".swatch").cloneNode(true);
  svg.setAttribute("class", `swatch look-${look % COLOURS}`);
  svg.firstElementChild.setAttribute("stroke-dasharray", DASHES[look % DASHES.length].join(" ") || "none");
  return svg;
}

// A chart in a figure. `lines` are {name, look, x, y, sd, faint}; `options` {unit, axis, log, mark, sync, onZoom}.
class Chart {
  constructor(figure, title) {
    this.figure = figure;
    this.title = title;
    this.plot = figure.querySelector(".plot");
    this.readout = figure.querySelector(".readout");
    this.plot.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.resize()).observe(this.plot);
  }

  draw(lines, options) {
    this.lines = lines;
    this.options = options;
    this.uplot?.destroy();
    this.uplot = null;
    const width = this.plot.clientWidth;
    if (!width) return; // in a panel that is closed: drawn when it opens
    const { series, tables, bands } = this.layers();
    const data = tables.length ? uPlot.join(tables) : [[]];
    const ink = colour("--quiet"), rule = colour("--rule");
    const axis = { stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 }, font: "12px system-ui, sans-serif" };
    this.whole = [data[0][0], data[0][data[0].length - 1]];
    this.uplot = new uPlot({
      width, height: this.height(width),
      legend: { show: false },
      cursor: {
        y: false, drag: { x: true, y: false, dist: 5 },
        sync: options.sync ? { key: options.sync, setSeries: false } : undefined,
        dataIdx: (plot, number, place) => nearest(plot.data[number], place),
      },
      scales: { x: { time: false }, y: { distr: options.log ? 3 : 1, range: options.log ? undefined : padded } },
      axes: [
        { ...axis, size: 32, values: (plot, ticks) => ticks.map((tick) => tick.toLocaleString("en-US")) },
        { ...axis, size: 58, values: (plot, ticks) => ticks.map((tick) => tick === null ? "" : options.unit === "percent" ? `${+tick.toFixed(2)} %` : shown(tick)) },
      ],
      series, bands,
      hooks: {
        setCursor: [() => this.read()],
        setScale: [(plot, key) => key === "x" && this.describe()],
        draw: [(plot) => this.mark(plot)],
      },
    }, data, this.plot);
    this.describe();
    this.read();
  }

  // uPlot's series and their data: the line of each, before it what lies behind it.
  layers() {
    const series = [{}], tables = [], bands = [];
    this.places = [];
    for (const line of this.lines) {
      const rgb = colour(`--look-${line.look % COLOURS}`);
      const usable = (value) => value === null || (this.options.log && value <= 0) ? null : value;
      const table = [line.x, line.y.map(usable)];
      const alone = line.y.length === 1;
      series.push({ label: line.name, stroke: line.faint ? faint(rgb, 0.35) : rgb, width: line.faint ? 1 : 2,
        dash: line.faint ? [] : DASHES[line.look % DASHES.length], points: { show: alone, size: 8 }, show: !line.hidden });
      this.places.push(series.length - 1);
      if (line.sd) {
        const clear = { stroke: "transparent", width: 0, points: { show: false }, show: !line.hidden };
        table.push(line.y.map((y, i) => y === null ? null : usable(y + line.sd[i])));
        table.push(line.y.map((y, i) => y === null ? null : usable(this.options.log ? Math.max(y - line.sd[i], y / 10) : y - line.sd[i])));
        series.push(clear, { ...clear });
        bands.push({ series: [series.length - 2, series.length - 1], fill: faint(rgb, 0.18) });
      }
      tables.push(table);
    }
    return { series, tables, bands };
  }

  height(width) {
    return Math.round(Math.min(300, Math.max(240, width * 0.6)));
  }

  resize() {
    const width = this.plot.clientWidth;
    if (!width || !this.lines) return;
    if (!this.uplot) this.draw(this.lines, this.options);
    else if (width !== this.uplot.width) this.uplot.setSize({ width, height: this.height(width) });
  }

  zoom(low, high) {
    this.uplot?.setScale("x", { min: low, max: high });
  }

  // The part of the x axis that is seen.
  get seen() {
    const { min, max } = this.uplot.scales.x;
    return [min ?? this.whole[0], max ?? this.whole[1]];
  }

  describe() {
    if (!this.uplot) return;
    const [low, high] = this.seen.map((end) => Number((end ?? 0).toPrecision(6)).toLocaleString("en-US"));
    const log = this.options.log ? ", logarithmic axis" : "";
    this.plot.setAttribute("aria-label", `${this.title} against ${this.options.axis}, ${low} to ${high}${log}`);
  }

  // Where the cursor is and the values there, of curves that have begun and not ended; the last ones without a cursor.
  values() {
    const xs = this.uplot.data[0], place = this.uplot.cursor.idx ?? null;
    const found = this.lines.map((line, number) => {
      const ys = this.uplot.data[this.places[number]], { x } = line;
      const there = place === null || (xs[place] >= x[0] && xs[place] <= x[x.length - 1]);
      const near = there ? nearest(ys, place ?? xs.length - 1) : null;
      return { line, text: shown(near === null ? null : ys[near], this.options.unit) };
    });
    const where = place === null ? "last" : `${this.options.axis} ${xs[place].toLocaleString("en-US")}`;
    return { where, found: found.filter(({ line }) => !line.faint && !line.hidden) };
  }

  read() {
    if (!this.uplot || !this.uplot.data[0].length) return;
    const { where, found } = this.values();
    const parts = [textOf(where)];
    for (const { line, text } of found) {
      const part = textOf(text);
      part.prepend(swatch(line.look));
      part.title = line.name;
      parts.push(part);
    }
    this.readout.replaceChildren(...parts);
  }

  announce() {
    const { where, found } = this.values();
    const values = found.map(({ line, text }) => `${line.name} ${text}`).join("; ");
    const place = this.figure.querySelector("[data-announce]") ?? this.figure.closest(".curves").querySelector("[data-announce]");
    place.textContent = `${where}: ${values}`;
  }

  pressed(event) {
    if (!this.uplot || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    const zooms = { "+": 1 / STEPS_OF_ZOOM, "=": 1 / STEPS_OF_ZOOM, "-": STEPS_OF_ZOOM, 0: Infinity, Escape: Infinity };
    if (event.key in moves) this.move(moves[event.key]);
    else if (event.key in zooms) this.zoomBy(zooms[event.key]);
    else return;
    event.preventDefault();
  }

  // Move the cursor by so many points of what is seen.
  move(by) {
    const xs = this.uplot.data[0], [low, high] = this.seen;
    const first = xs.findIndex((x) => x >= low), last = xs.findLastIndex((x) => x <= high);
    const from = this.uplot.cursor.idx ?? (by > 0 ? first - 1 : last + 1);
    const place = Math.max(first, Math.min(last, from + by));
    this.uplot.setCursor({ left: this.uplot.valToPos(xs[place], "x"), top: 10 }, true, true);
    this.announce();
  }

  zoomBy(factor) {
    const [low, high] = this.seen, place = this.uplot.cursor.idx;
    const middle = place === null || place === undefined ? (low + high) / 2 : this.uplot.data[0][place];
    const half = factor * (high - low) / 2;
    const from = Math.max(this.whole[0], middle - half), to = Math.min(this.whole[1], middle + half);
    if (to > from) (this.options.onZoom ?? ((a, b) => this.zoom(a, b)))(from, to);
  }

  // A line where the slider of the frames stands.
  mark(plot) {
    if (this.options.mark === undefined) return;
    const x = Math.round(plot.valToPos(this.options.mark, "x", true));
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour("--ink");
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }
}

function padded(plot, low, high) {
  if (low === null || high === null) return [0, 1];
  const margin = 0.05 * (high - low) || Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}

// The place of the value that is nearest to `place`: curves of other lengths share an axis. Null without any.
function nearest(values, place) {
  for (let away = 0; away < values.length; away++) {
    for (const near of [place - away, place + away]) {
      if (values[near] !== null && values[near] !== undefined) return near;
    }
  }
  return null;
}

function textOf(text) {
  const span = document.createElement("span");
  span.textContent = text;
  return span;
}
