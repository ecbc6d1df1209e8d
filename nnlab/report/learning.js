// Learning: a slider through the frames of a run: its first layer, its confusion and the sizes of its updates.
const PAUSE = 700;

class Learning {
  constructor(panel, { frames, ratios }) {
    this.panel = panel;
    this.frames = frames;
    this.ratios = ratios;
    this.slider = panel.querySelector(".frames input");
    this.picture = panel.querySelector("img[data-weights]");
    this.weights = panel.querySelector("div[data-weights] table");
    this.confusion = panel.querySelector("[data-confusion] table");
    const last = frames[frames.length - 1];
    if (this.picture) {
      last.picture = this.picture.src;
      this.described = this.picture.alt.slice(0, this.picture.alt.length - last.title.length);
    }
    const figure = panel.querySelector(".ratios");
    if (figure) this.chart = new Chart(figure, "Update-to-weight ratio");
    this.number = frames.length - 1;
    if (!this.slider) return;
    this.play = panel.querySelector("[data-play]");
    this.slider.value = this.number; // a browser that reloads the page keeps where it stood
    this.slider.addEventListener("input", () => { this.stop(); this.show(Number(this.slider.value)); });
    this.play.addEventListener("click", () => this.timer ? this.stop() : this.start());
    this.legend();
  }

  show(number) {
    const frame = this.frames[number];
    this.number = number;
    this.slider.value = number;
    this.slider.setAttribute("aria-valuetext", frame.title);
    this.panel.querySelector(".frames output").textContent = frame.title;
    if (this.picture) {
      this.picture.src = frame.picture;
      this.picture.alt = this.described + frame.title;
    }
    if (this.weights) fill(this.weights, frame.weights);
    if (this.confusion) {
      fill(this.confusion, frame.confusion);
      this.panel.querySelector("[data-measured]").textContent = frame.measured ?? "not measured yet";
    }
    if (this.chart?.uplot) {
      this.chart.options.mark = frame.step;
      this.chart.uplot.redraw(false);
    }
  }

  start() {
    if (this.number === this.frames.length - 1) this.show(0);
    this.play.textContent = "Stop";
    this.timer = setInterval(() => {
      if (this.number < this.frames.length - 1) this.show(this.number + 1);
      if (this.number === this.frames.length - 1) this.stop();
    }, PAUSE);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "Play";
  }

  legend() {
    const items = this.ratios.names.map((name, look) => {
      const item = document.createElement("li"), label = textOf(name);
      label.className = "choice";
      label.prepend(swatch(look));
      item.append(label);
      return item;
    });
    this.panel.querySelector(".ratios .legend")?.replaceChildren(...items);
  }

  draw() {
    if (!this.chart) return;
    const lines = this.ratios.names.map((name, look) => ({ name, look, x: this.ratios.step, y: this.ratios.values[look] }));
    this.chart.draw(lines, { unit: "number", axis: "step", log: true, mark: this.frames[this.number].step });
  }
}

// Texts and levels into the cells of a heat table; without any, as before the first step, the cells are empty.
function fill(table, cells) {
  table.querySelectorAll("td[data-level]").forEach((cell, place) => {
    const [text, level] = cells?.[place] ?? ["", 0];
    cell.textContent = text;
    cell.dataset.level = level;
  });
}
