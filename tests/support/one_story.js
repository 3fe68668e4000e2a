() => {
  // What the open tab states, read at one moment. Texts of closed sections are read too.
  const panel = [...document.querySelectorAll("[role=tabpanel]")].find((part) => part.checkVisibility())
  if (!panel) return { busy: true } // between two tabs
  const all = (selector, root = panel) => [...root.querySelectorAll(selector)]
  const words = (element) => (element?.innerText ?? element?.textContent)?.replace(/\s+/g, " ").trim() ?? ""
  const texts = (selector, root = panel) => all(selector, root).map(words)
  const numbers = all("input[type=number]").filter((input) => input.ariaLabel?.startsWith("number input for "))
  const hits = (side) =>
    all(`.lab-hits.lab-${side} li`).map((item) => ({
      score: words(item.querySelector(".lab-score")),
      marked: item.classList.contains("lab-marked"),
    }))
  const record = panel.querySelector(".lab-record[aria-label='Run record']")
  const plot = panel.querySelector(".js-plotly-plot")
  const facts = [...document.querySelectorAll(".lab-status > span:not(.lab-link)")]
  return {
    tab: words(document.querySelector("[role=tab][aria-selected=true]")),
    address: Object.fromEntries(new URLSearchParams(location.search)),
    header: Object.fromEntries(facts.map((fact) => [words(fact.querySelector("i")), words(fact.querySelector("b"))])),
    own: !!document.querySelector(".lab-own"),
    busy: !!panel.querySelector(".lab-progress"),
    controls: Object.fromEntries(numbers.map((input) => [input.ariaLabel.slice(17), Number(input.value)]).reverse()),
    choices: Object.fromEntries(
      all("input[role=listbox]").map((input) => [input.ariaLabel, input.value]),
    ),
    radios: all("input[type=radio]:checked").map((input) => input.parentElement.innerText.trim()),
    question: panel.querySelector("textarea")?.value ?? "",
    words: words(panel),
    lesson: texts(".lab-lesson")[0] ?? "",
    cards: all(".lab-cards .lab-card").map((card) => [words(card.querySelector("b")), ...texts("small", card)]),
    ef: panel.querySelector("[data-ef]")?.dataset.ef ?? "",
    legend: plot ? texts(".legendtext", plot) : [],
    caption: panel.querySelector(".lab-data caption")?.textContent ?? "",
    rows: all(".lab-data tr").map((row) => [...row.cells].map((cell) => cell.textContent)),
    distances: words(panel.querySelector(".lab-distances")),
    advice: panel.querySelector(".lab-advice")?.textContent ?? "",
    spread: all(".lab-spread > div").map((bar) => Number(bar.querySelector("span").textContent)),
    worst: all("a.lab-go[href*='tab=search']").map((link) => ({
      recall: words(link.closest("tr")?.querySelector("b")),
      ...Object.fromEntries(new URL(link.href).searchParams),
    })),
    found: words(panel.querySelector(".lab-found")),
    times: texts(".lab-time .lab-legend span"),
    exact: hits("exact"),
    hnsw: hits("hnsw"),
    told: words(panel.querySelector(".lab-told b")),
    steps: Number(panel.querySelector(".lab-step-slider input[type=range]")?.max ?? 0),
    step: Number(panel.querySelector(".lab-step-slider input[type=range]")?.value ?? 0),
    misses: all(".lab-misses li").length,
    stale: words(panel.querySelector(".lab-warning")),
    costs: words(panel.querySelector(".lab-costs")),
    errors: texts(".lab-error > div:first-child"),
    bars: all(".lab-error .lab-bar").map((bar) => all("div", bar).map((part) => part.title)),
    scores: all(".lab-scores tr").map((row) => [...row.cells].map(words)),
    record: record ? JSON.parse(record.textContent) : null,
  }
}
