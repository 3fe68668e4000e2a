// One step of a lesson at a time; what was predicted and measured is kept in this browser only. Runs when the tab is shown.
const KEPT = "lab-lessons-1" // under which the browser keeps it; the number changes with its form
const NARROW = 900 // pixels of width below which the list of lessons is folded
const SEEN = 200 // pixels of what was measured that are seen without scrolling
const WAITS = "Waiting for the step that is measured before it."
const LONG = 28 // characters from which on words are written smaller
const course = element.querySelector(".lab-learn")
const sections = [...course.querySelectorAll(".lab-step")]
const live = course.querySelector(".lab-learn-live")
const byKey = Object.fromEntries(sections.map((section) => [section.dataset.step, section]))
const learn = { asked: "", key: "", measuring: "", waiting: [], sent: false }
window.labLearn = learn

// --- what is kept: {last, predictions: {key: prediction}, steps: {key: {prediction, reveal}}}

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT))
    return found && typeof found.steps === "object" ? found : { steps: {} }
  } catch {
    return { steps: {} } // the browser keeps nothing, or something else is there
  }
}

function keep(change) {
  const now = { ...(learn.unkept ?? kept()), ...change }
  try {
    localStorage.setItem(KEPT, JSON.stringify(now))
  } catch {
    learn.unkept = now // for this visit at least
  }
  learn.state = now
}
learn.state = kept()

// --- predictions

const controlOf = (section) => section.querySelector(".lab-predict")
for (const section of sections) controlOf(section).untouched = controlOf(section).cloneNode(true)

function numberWords(input) {
  const decimals = (input.step.split(".")[1] ?? "").length
  const value = Number(input.value).toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return `${value} ${input.dataset.unit}`
}

function touched(input) {
  input.dataset.touched = "1"
  input.parentElement.querySelector("output").textContent = numberWords(input)
  input.setAttribute("aria-valuetext", numberWords(input))
}

function predicted(section) {
  const control = controlOf(section)
  if (control.dataset.kind === "order") {
    return control.querySelector("input").checked ? [...control.querySelectorAll("li")].map((item) => item.dataset.name) : null
  }
  if (control.dataset.kind === "choice") return control.querySelector("input:checked")?.value ?? null
  const input = control.querySelector("input")
  return input.dataset.touched ? Number(input.value) : null
}

function setPrediction(section, value) {
  const control = controlOf(section)
  if (control.dataset.kind === "order") {
    const list = control.querySelector("ol")
    for (const name of value) list.append(list.querySelector(`li[data-name="${CSS.escape(name)}"]`) ?? "")
    control.querySelector("input").checked = true
    return
  }
  if (control.dataset.kind === "choice") {
    const option = control.querySelector(`input[value="${CSS.escape(value)}"]`)
    if (option) option.checked = true
    return
  }
  control.querySelector("input").value = value
  touched(control.querySelector("input"))
}

function forget(control) {
  control.replaceChildren(...control.untouched.cloneNode(true).childNodes)
}

course.addEventListener("input", (event) => {
  if (event.target.type === "range") touched(event.target)
  say(event.target.closest(".lab-step"), "")
})
// the middle of a slider can be meant, too
course.addEventListener("pointerup", (event) => event.target.type === "range" && touched(event.target))

function move(button) {
  const item = button.closest("li")
  const list = item.parentElement
  const down = button.dataset.move === "1"
  const other = down ? item.nextElementSibling : item.previousElementSibling
  if (other) down ? other.after(item) : other.before(item)
  controlOf(button.closest(".lab-step")).querySelector("input").checked = true // who moves a row has an order in mind
  say(button.closest(".lab-step"), "")
  const further = down ? item.nextElementSibling : item.previousElementSibling
  const useful = further ? button : item.querySelector(`button:not([data-move="${button.dataset.move}"])`)
  useful.focus() // at an end of the list only the other way is left
  const place = [...list.children].indexOf(item) + 1
  live.textContent = `${item.querySelector("span").textContent}: now number ${place} of ${list.children.length}.`
}

// --- measuring

const say = (section, words) => (section.querySelector(".lab-asked").textContent = words)

function measure(section) {
  const prediction = learn.state.steps[section.dataset.step]?.prediction ?? predicted(section) // the first one stays
  if (prediction === null) {
    say(section, "First predict: a guess is enough.")
    controlOf(section).querySelector("input").focus()
    return
  }
  const key = section.dataset.step
  keep({ predictions: { ...learn.state.predictions, [key]: prediction } }) // whatever comes of the measurement
  learn.waiting.push(key)
  live.textContent = learn.sent ? WAITS : "Measuring now."
  sendNext()
  show()
}

// one step after the other: of those asked for meanwhile the page would send the last one only
function sendNext() {
  if (learn.sent || !learn.waiting.length) return
  learn.sent = true
  learn.measuring = learn.waiting.shift()
  const [lesson, step] = learn.measuring.split("/")
  learn.asked = JSON.stringify({ lesson, step, prediction: learn.state.predictions[learn.measuring] })
  document.querySelector("#lab-learn-measure").click()
}

// what the server tells: the progress of a measurement, and then its reveal
learn.told = (told) => {
  const state = told.querySelector(".lab-learn-state")
  if (state?.dataset.reveal) {
    const key = state.dataset.step
    const reveal = JSON.parse(state.dataset.reveal)
    const prediction = learn.state.predictions?.[key] ?? null
    keep({ steps: { ...learn.state.steps, [key]: { prediction, reveal } } })
    if (learn.measuring === key) learn.measuring = ""
    const words = [`Measured: ${reveal.measured}.`, `You predicted ${reveal.predicted}.`, reveal.difference]
    show()
    if (learn.key === key) {
      live.textContent = words.join(" ")
      bringIntoView(byKey[key])
    }
  } else if (state) {
    byKey[state.dataset.step].querySelector(".lab-busy").textContent = state.textContent.trim()
    show()
  }
}

// what was measured would stand below the screen: the button goes to its top
function bringIntoView(section) {
  const room = innerHeight - section.querySelector(".lab-reveal").getBoundingClientRect().top
  if (room < SEEN) section.querySelector(".lab-act").scrollIntoView({ block: "start", behavior: "smooth" })
}

learn.ended = () => {
  learn.measuring = "" // also where the server refused
  learn.sent = false
  sendNext()
  show()
}

// --- the reveal

function make(name, className, ...parts) {
  const made = document.createElement(name)
  if (className) made.className = className
  made.append(...parts)
  return made
}

function showReveal(section, { reveal, prediction }) {
  const place = section.querySelector(".lab-reveal")
  const order = controlOf(section).dataset.kind === "order"
  const card = (title, words, kind) => {
    const lines = (order ? words.split(", then ") : [words]).map((line, at) => make("b", "", order ? `${at + 1}. ${line}` : line))
    return make("p", `lab-side-of ${kind}${words.length > LONG ? " lab-long" : ""}`, make("small", "", title), ...lines)
  }
  const parts = [make("div", "lab-sides", card("You predicted", reveal.predicted, "lab-mine"), card("Measured", reveal.measured, "lab-true"))]
  const input = controlOf(section).dataset.kind === "number" && section.querySelector("input[type=range]")
  if (input && Number.isFinite(reveal.value)) parts.push(numberLine(input, prediction, reveal.value))
  parts.push(make("p", `lab-outcome lab-outcome-${reveal.outcome}`, reveal.difference))
  parts.push(...reveal.sentences.map((sentence) => make("p", "", sentence)))
  const rows = Object.entries(reveal.numbers).map(([name, value]) => make("tr", "", make("th", "", name), make("td", "", value)))
  for (const row of rows) row.firstChild.scope = "row"
  parts.push(make("table", "lab-facts", make("caption", "lab-unseen", "What was measured"), make("tbody", "", ...rows)))
  const link = make("a", "lab-go", `${place.dataset.look} →`)
  link.href = reveal.address
  const when = new Date(reveal.measured_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })
  parts.push(make("p", "lab-closer", link, make("small", "", ` Measured ${when}; who measures this step within ten minutes of it gets the same numbers.`)))
  parts.push(make("p", "lab-stays", "Your first prediction stays; “Forget it”, below the list of lessons, begins all of them anew. After a reload “Measure again” brings back the run record."))
  place.replaceChildren(...parts)
}

// a line from the lowest to the highest number that could be predicted, with both on it
function numberLine(input, prediction, value) {
  const [low, high] = [Number(input.min), Number(input.max)]
  const mark = (number, kind, words) => {
    const made = make("i", kind)
    made.style.left = `${(100 * (Math.min(Math.max(number, low), high) - low)) / (high - low)}%`
    made.title = words
    return made
  }
  const marks = [mark(value, "lab-true", "measured")]
  if (prediction !== null) marks.unshift(mark(prediction, "lab-mine", "you predicted"))
  const ends = [low, high].map((end) => make("small", "", end.toLocaleString("en")))
  if (value > high) ends[1].append(" · measured: beyond →")
  if (value < low) ends[0].prepend("← measured: beyond · ")
  const line = make("div", "lab-line", ends[0], make("span", "lab-track", ...marks), ends[1])
  line.ariaHidden = "true" // the cards say the same
  return line
}

// --- what is shown

function show() {
  for (const section of sections) {
    const key = section.dataset.step
    const done = learn.state.steps[key]
    section.hidden = key !== learn.key
    if (section.hidden) continue
    const button = section.querySelector(".lab-measure")
    const waits = learn.waiting.includes(key)
    const busy = waits || learn.measuring === key
    controlOf(section).disabled = busy || (done?.prediction ?? null) !== null
    button.textContent = busy ? "Measuring …" : done ? "Measure again" : "Measure"
    button.ariaDisabled = busy ? "true" : "false"
    const reveal = section.querySelector(".lab-reveal")
    if (done && reveal.shown !== done.reveal) showReveal(section, done)
    reveal.shown = done?.reveal
    reveal.hidden = !done || busy
    if (waits || !busy) section.querySelector(".lab-busy").textContent = waits ? WAITS : ""
    section.classList.toggle("lab-step-done", Boolean(done))
  }
  const told = document.querySelector(".lab-learn-told")
  const state = told?.querySelector(".lab-learn-state")
  if (told) told.style.display = state?.dataset.reveal && state.dataset.step === learn.key ? "" : "none"
  showCourse()
}

function showCourse() {
  const done = Object.keys(learn.state.steps).filter((key) => key in byKey)
  course.querySelector(".lab-course-done").textContent = `· ${done.length} of ${sections.length} steps done`
  for (const link of course.querySelectorAll(".lab-course a[data-lesson]")) {
    const name = link.dataset.lesson
    const count = done.filter((key) => key.startsWith(`${name}/`)).length
    const words = link.parentElement.querySelector(".lab-lesson-done")
    const all = Number(words.dataset.steps)
    words.textContent = ` · ${count} of ${all}${count === all ? " ✓" : ""}`
    if (learn.key.startsWith(`${name}/`)) link.setAttribute("aria-current", "true")
    else link.removeAttribute("aria-current")
  }
}

function open(key, { focus = false } = {}) {
  if (!(key in byKey)) return
  learn.key = key
  keep({ last: key })
  const prediction = learn.state.predictions?.[key] ?? learn.state.steps[key]?.prediction ?? null
  if (prediction !== null) setPrediction(byKey[key], prediction)
  show()
  const [lesson, step] = key.split("/")
  learn.place = { lesson, step } // the address takes it from here where it comes later
  window.lab?.learning(learn.place, focus)
  if (focus) byKey[key].querySelector("h3").focus()
}

// the step that an address names, or the first of its lesson; else none
function keyOf(search) {
  const said = new URLSearchParams(search)
  if ((said.get("tab") ?? "learn") !== "learn") return ""
  const [lesson, step] = [said.get("lesson"), said.get("step")]
  return `${lesson}/${step}` in byKey ? `${lesson}/${step}` : (Object.keys(byKey).find((key) => key.startsWith(`${lesson}/`)) ?? "")
}
learn.follow = (search) => open(keyOf(search))

course.addEventListener("click", (event) => {
  const button = event.target.closest("button")
  if (button?.dataset.move) move(button)
  if (button?.classList.contains("lab-measure") && button.ariaDisabled !== "true") measure(button.closest(".lab-step"))
  if (button?.classList.contains("lab-forget")) {
    learn.waiting = []
    keep({ steps: {}, predictions: {} })
    for (const section of sections) forget(controlOf(section))
    live.textContent = "Forgotten: what you predicted is no longer in this browser."
    show()
  }
  const link = event.target.closest("a[href^='?tab=learn']")
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return
  event.preventDefault()
  if (link.closest(".lab-course") && innerWidth < NARROW) course.querySelector(".lab-course").open = false
  open(keyOf(new URL(link.href).search), { focus: true })
})

if (innerWidth < NARROW) course.querySelector(".lab-course").open = false
open(keyOf(location.search) || (learn.state.last in byKey ? learn.state.last : sections[0].dataset.step))
