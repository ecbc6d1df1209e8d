// Curves: the charts of a group, zoomed and hovered together.
class Curves {
  constructor(box, group, number) {
    this.box = box;
    this.group = group;
    this.sync = `group-${number}`;
    this.charts = [...box.querySelectorAll(".chart")].map((figure) => {
      const about = group.charts.find((chart) => chart.column === figure.dataset.column);
      return { about, chart: new Chart(figure, about.title) };
    });
    for (const input of box.querySelectorAll(".controls input, .legend input")) input.addEventListener("change", () => this.draw());
    for (const button of box.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => this.zoomed(button.dataset.zoom));
  }

  draw() {
    const axis = this.box.querySelector("fieldset input:checked").value;
    const log = this.box.querySelector("[data-log]").checked;
    const hidden = new Set([...this.box.querySelectorAll(".legend input:not(:checked)")].map((input) => Number(input.dataset.look)));
    for (const { about, chart } of this.charts) {
      chart.draw(this.lines(about, axis, hidden), {
        unit: about.unit, axis, log: log && about.unit !== "percent" && about.column !== "score", sync: this.sync,
        onZoom: (low, high) => this.zoom(low, high),
      });
    }
    this.align();
  }

  // All charts reach as far as the one that reaches furthest, so that they can be read below each other.
  align() {
    const drawn = this.charts.map(({ chart }) => chart).filter((chart) => chart.uplot);
    const low = Math.min(...drawn.map((chart) => chart.whole[0])), high = Math.max(...drawn.map((chart) => chart.whole[1]));
    for (const chart of drawn) chart.whole = [low, high];
    if (low < high) this.zoom(low, high);
  }

  lines(about, axis, hidden) {
    const scale = about.unit === "percent" ? 100 : 1;
    const scaled = (values) => values && values.map((value) => value === null ? null : value * scale);
    const lines = [];
    for (const { name, look, columns, every } of this.group.entries) {
      const same = { name, look, hidden: hidden.has(look) };
      if (about.column === "train" && every) lines.push({ ...same, x: every[axis], y: every.loss, faint: true });
      lines.push({ ...same, x: columns[axis], y: scaled(columns[about.column]), sd: scaled(columns[`${about.column}_sd`]) });
    }
    return lines;
  }

  zoom(low, high) {
    for (const { chart } of this.charts) chart.zoom(low, high);
  }

  zoomed(how) {
    const { chart } = this.charts[0];
    if (!chart.uplot) return;
    if (how !== "whole") return chart.zoomBy(how === "in" ? 1 / STEPS_OF_ZOOM : STEPS_OF_ZOOM);
    return this.zoom(...chart.whole);
  }
}
