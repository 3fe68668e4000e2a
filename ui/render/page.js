// What Gradio's widgets lack for keyboards and screen readers. Runs once, when the foot of the page is shown.
const REST = 900 // milliseconds without a change after which what changed is said
const SAID = ".lab-cards, .lab-lesson, .lab-told, .lab-found" // whose changes are said
const isSeen = (element) => element.checkVisibility()

// Definitions stand beside their terms where the browser can place them.
for (const definition of document.querySelectorAll(".lab-definition")) {
  definition.classList.toggle("lab-placed", CSS.supports("position-area", "block-end"))
}

// Tabs: one stop of the Tab key, and arrow keys, Home and End within.
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]")
  const move = { ArrowRight: 1, ArrowLeft: -1, Home: 0, End: 0 }[event.key]
  if (!tab || move === undefined) return
  const tabs = [...tab.parentElement.querySelectorAll("[role=tab]")]
  const at = event.key === "Home" ? 0 : event.key === "End" ? -1 : (tabs.indexOf(tab) + move) % tabs.length
  event.preventDefault()
  tabs.at(at).focus()
  tabs.at(at).click()
})

// Late interaction: a word of the question shows which word of the passage it takes.
function showPartner(event) {
  const word = event.target.closest?.(".lab-words [data-to]")
  const picture = word?.closest(".lab-align")
  if (!picture) return
  for (const part of picture.querySelectorAll("[data-to], [data-at]"))
    part.classList.toggle("lab-chosen", part === word || part.dataset.at === word.dataset.to)
  picture.querySelector(".lab-pair").textContent = word.ariaLabel
}
for (const event of ["pointerover", "focusin", "click"]) document.addEventListener(event, showPartner)

// A slider's number field that is left empty says again what it said.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.("input[aria-label^='number input for ']") && target.value) target.lastValue = target.value
})
document.addEventListener("focusout", ({ target }) => {
  if (!target.lastValue || target.value) return
  target.value = target.lastValue
  for (const event of ["input", "change"]) target.dispatchEvent(new Event(event, { bubbles: true }))
})

function nameTabs() {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const selected = tab.getAttribute("aria-selected") === "true"
    tab.tabIndex = selected ? 0 : -1
    if (selected && tab !== nameTabs.last) tab.scrollIntoView({ block: "nearest", inline: "nearest" })
    if (selected) nameTabs.last = tab
  }
}

// Figures: a name, a sentence, and a table of the data, which the server sends with the figure as layout.meta.
function nameFigures() {
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    const about = plot.layout?.meta
    const drawn = plot._fullLayout // a figure that changed on a closed tab was drawn without a size
    const fits = drawn && Math.abs(drawn.width - plot.clientWidth) + Math.abs(drawn.height - plot.clientHeight) < 4
    if (drawn && !fits && isSeen(plot)) window.Plotly.Plots.resize(plot)
    if (!about || plot.named === about) continue
    plot.named = about
    plot.setAttribute("role", "img")
    plot.setAttribute("aria-label", `${about.name}. ${about.sentence}`)
    const block = plot.closest(".block")
    const data = block.querySelector(".lab-data") ?? block.appendChild(document.createElement("details"))
    data.className = "lab-data"
    data.open ||= false
    const table = fill("table", fill("caption", about.sentence), fill("tr", ...about.columns.map((name) => fill("th", name))))
    table.append(...about.rows.map((row) => fill("tr", ...row.map((value) => fill("td", value)))))
    table.className = "lab-table lab-numbers"
    const scroll = fill("div", table)
    scroll.className = "lab-scroll"
    scroll.tabIndex = 0
    scroll.setAttribute("role", "region")
    scroll.setAttribute("aria-label", about.name)
    data.replaceChildren(fill("summary", `${about.name}: as a table`), scroll)
  }
}

function fill(name, ...parts) {
  const element = document.createElement(name)
  element.append(...parts)
  return element
}

// Numbers and sentences that changed are said once they rest; what was there before, or is shown anew, is not.
const said = new Map()
let pending = new Set()
let rest
function noteChanges() {
  for (const panel of document.querySelectorAll("[role=tabpanel]")) {
    if (!isSeen(panel)) continue
    panel.querySelectorAll(SAID).forEach((part, number) => {
      const key = `${panel.id} ${number}`
      const words = part.dataset.said ?? part.innerText
      if (said.has(key) && said.get(key) !== words && words) {
        pending.add(words)
        clearTimeout(rest)
        rest = setTimeout(say, REST)
      }
      said.set(key, words)
    })
  }
}

function say() {
  document.getElementById("lab-said").textContent = [...pending].join(" ")
  pending = new Set()
}

let soon
function refresh() {
  soon = undefined
  nameTabs()
  nameFigures()
  noteChanges()
}
new MutationObserver(() => (soon ??= setTimeout(refresh, 100))).observe(document.body, {
  childList: true,
  subtree: true,
  characterData: true,
  attributes: true,
  attributeFilter: ["aria-selected"],
})
refresh()
