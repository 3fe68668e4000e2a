// A student's page: join, predict, and follow the steps that the teacher moves.

import { follow, gone, insist, main, replace, say, trouble } from "./live.js";

let have = 0; // the version that is shown
let step = "";
let form;

function tell(own, difference) {
  const named = main.querySelector("#own");
  if (named) named.textContent = own || "nothing";
  const holder = main.querySelector(".own");
  if (holder) holder.hidden = !own && !holder.matches("div");
  const words = main.querySelector("#difference");
  if (words) words.textContent = difference;
}

const WORDS = {
  predicting: "A question to predict.",
  closed: "Predictions are closed.",
  measuring: "The lab is measuring.",
  revealed: "The measurement is shown.",
  over: "The class is over.",
};

function show(content) {
  const typed = form && step === content.step && content.phase === "predicting" ? read() : undefined;
  const moved = have !== content.version;
  ({ version: have, step } = content);
  replace(content.html);
  form = main.querySelector("#predict");
  if (form) prepare(typed);
  tell(content.own, content.difference);
  if (moved) say([WORDS[content.phase], content.difference].filter(Boolean).join(" "));
}

// --- the form

function read() {
  if (form.dataset.kind === "number") return form.querySelector("#value").valueAsNumber;
  if (form.dataset.kind === "choice") return form.querySelector("input:checked")?.value;
  return [...form.querySelectorAll("li")].map((item) => item.dataset.name);
}

function fill(value) {
  if (form.dataset.kind === "number" && !Number.isNaN(value)) form.querySelector("#value").value = value;
  for (const option of form.querySelectorAll("input[type=radio]")) option.checked = option.value === value;
  if (form.dataset.kind === "order") {
    const list = form.querySelector("ol");
    for (const name of value) list.append([...list.children].find((item) => item.dataset.name === name));
  }
}

function prepare(typed) {
  if (typed !== undefined) fill(typed);
  form.addEventListener("submit", predict);
  for (const button of form.querySelectorAll("[data-by]")) button.addEventListener("click", move);
}

function move({ currentTarget: button }) {
  const item = button.closest("li");
  const other = button.dataset.by === "1" ? item.nextElementSibling : item.previousElementSibling;
  if (!other) return;
  if (button.dataset.by === "1") other.after(item);
  else other.before(item);
  button.focus();
  const place = [...item.parentNode.children].indexOf(item) + 1;
  say(`${item.firstChild.textContent} is number ${place} now.`);
}

async function predict(event) {
  event.preventDefault();
  const value = read();
  const asked = step;
  const { status, content } = await insist(() => "predict", () => ({ step: asked, value }));
  if (status === 200 && asked === step) {
    tell(content.own, "");
    say(`Taken: you predicted ${content.own}.`);
  } else if (status === 404) gone(content.detail);
  else if (status !== 200) trouble(content.detail ?? "This was not taken; try again.");
}

const joined = await insist(() => "join", () => ({}));
if (joined.status === 200) await follow("state", () => `have=${have}`, show);
else gone(joined.content.detail);
