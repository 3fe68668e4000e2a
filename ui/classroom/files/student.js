// A student's page: join, predict, and follow the steps that the teacher moves.

import { code, follow, gone, insist, main, replace, say, trouble } from "./live.js";

let have = 0; // the version that is shown
let step = "";
let form;

function tell(own, difference) {
  const named = main.querySelector("#own");
  if (named) named.textContent = own || "none made";
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
  if (form.dataset.kind === "number") return form.querySelector("#value").value;
  if (form.dataset.kind === "choice") return form.querySelector("input:checked")?.value;
  return [...form.querySelectorAll("li")].map((item) => item.dataset.name);
}

// Return a number as it was typed: a comma groups thousands where the numbers are as large, and is a decimal point else.
function number(typed, high) {
  const text = typed.trim().replace(/\s/g, "");
  if (high >= 1000 && /^\d{1,3}(,\d{3})+(\.\d*)?$/.test(text)) return Number(text.replaceAll(",", ""));
  return text ? Number(text.replace(",", ".")) : NaN;
}

function fill(value) {
  if (form.dataset.kind === "number") form.querySelector("#value").value = value;
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
  let value = read();
  if (form.dataset.kind === "number") {
    value = number(value, Number(form.querySelector("#value").dataset.high));
    if (Number.isNaN(value)) return trouble("That is no number, so it was not taken; type one such as 4.5.");
  }
  const asked = step;
  const { status, content } = await insist(() => "predict", () => ({ step: asked, value }));
  if (status === 200 && asked === step) {
    tell(content.own, "");
    say(`Taken: you predicted ${content.own}.`);
  } else if (status === 404) gone(content.detail);
  else if (status !== 200) trouble(content.detail ?? "This was not taken; try again.");
}

// Say that there is no class of this code, with the code to correct.
function unknown(words) {
  gone(words, "No class has this code");
  const again = document.createElement("form");
  again.action = "../class";
  again.innerHTML =
    '<p><label for="code">The code on the projector</label><br><input id="code" name="code" required maxlength="40" ' +
    'autocomplete="off" autocapitalize="characters" spellcheck="false"></p><p><button class="main">Join</button></p>';
  again.querySelector("input").value = code;
  main.querySelector("p").after(again);
  main.querySelector("a").textContent = "Start a class";
}

const joined = await insist(() => "join", () => ({}));
if (joined.status === 200) await follow("state", () => `have=${have}`, show);
else if (joined.status === 404) unknown(joined.content.detail);
else gone(joined.content.detail, "You cannot join this class");
