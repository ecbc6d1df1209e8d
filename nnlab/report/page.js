// Page: everything is drawn from the one block of data, and drawn again when the theme changes.
const root = document.documentElement;
root.classList.add("with-script");

const groups = JSON.parse(document.getElementById("data").textContent);
const parts = [];
groups.forEach(({ curves, learnt }, number) => {
  const section = document.querySelector(`[data-group="${number}"]`);
  const box = section.querySelector(".curves");
  if (box) parts.push(new Curves(box, curves, number));
  for (const [id, about] of Object.entries(learnt)) parts.push(new Learning(document.getElementById(id), about));
});

function draw() {
  for (const part of parts) part.draw();
}

const system = matchMedia("(prefers-color-scheme: dark)");
const button = document.getElementById("dark");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
}

function themed() {
  button.setAttribute("aria-pressed", String(isDark()));
  draw();
}

button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  themed();
});
system.addEventListener("change", themed);

// Paper is light and has nothing to open.
let before;
addEventListener("beforeprint", () => {
  before = root.dataset.theme;
  root.dataset.theme = "light";
  document.querySelectorAll("details:not([open])").forEach((details) => { details.open = true; details.dataset.closed = ""; });
  draw();
});
addEventListener("afterprint", () => {
  if (before) root.dataset.theme = before; else delete root.dataset.theme;
  document.querySelectorAll("details[data-closed]").forEach((details) => { details.open = false; delete details.dataset.closed; });
  themed();
});

themed();
