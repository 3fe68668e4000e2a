// The teacher's page: what the class sees, how many have predicted, and the buttons that move it.

import { ask, follow, gone, replace, say } from "./live.js";

const LEAST = 400; // milliseconds between two answers: a class that predicts together changes the counts all the time
const seen = { version: 0, moved: 0, place: 0, places: 0, phase: "" };
const buttons = [...document.querySelectorAll("[data-move]")];
const [ending, skipping, next] = ["ending", "skipping", "next"].map((name) => document.getElementById(name));

// Whether a move is possible now; a button that is not stays where it is, so that the keyboard does not lose it.
function possible(move) {
  const { phase, place, places } = seen;
  return {
    back: place > 0,
    next: place + 1 < places,
    close: phase === "predicting",
    open: phase === "closed",
    reveal: phase === "predicting" || phase === "closed",
    end: true,
  }[move];
}

const WORDS = {
  predicting: "Students can predict. Reveal closes predictions.",
  closed: "Predictions are closed.",
  measuring: "The lab is measuring.",
  revealed: "Revealed to all.",
  over: "The class is over.",
};

function show(content) {
  const moved = seen.moved !== content.moved;
  Object.assign(seen, content);
  if (content.html !== undefined) replace(content.html);
  document.getElementById("students").textContent = content.students;
  document.getElementById("predicted").textContent = content.predicted;
  for (const button of buttons) button.setAttribute("aria-disabled", !possible(button.dataset.move));
  const [close, open] = ["close", "open"].map((name) => document.querySelector(`[data-move=${name}]`));
  const [hide, reveal] = content.phase === "closed" ? [close, open] : [open, close];
  const focused = document.activeElement === hide;
  hide.hidden = true;
  reveal.hidden = false;
  if (focused) reveal.focus();
  if (moved) say(WORDS[content.phase]);
  const last = content.place + 1 === content.places;
  const leads = content.phase !== "revealed" ? "reveal" : last ? "end" : "next"; // the button that leads on
  for (const name of ["reveal", "next", "end"]) document.getElementById(name).classList.toggle("main", name === leads);
  document.body.dataset.phase = content.phase;
  if (content.phase === "over") document.body.classList.add("over");
}

async function make(event) {
  const { move } = event.currentTarget.dataset;
  ending.close();
  skipping.close();
  if (event.currentTarget.getAttribute("aria-disabled") === "true") return;
  if (event.currentTarget === next && possible("reveal")) return skipping.showModal();
  const place = seen.place;
  const { status, content } = await ask("move", { move, place });
  if (status === 404) gone(content.detail);
  else if (status !== 200) say(content.detail ?? "The lab cannot be reached; press again.");
}

for (const button of buttons) button.addEventListener("click", make);
document.getElementById("end").addEventListener("click", () => ending.showModal());
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

await follow("lead", () => `have=${seen.version}&moved=${seen.moved}`, show, LEAST);
