() => {
  // The address follows the page: window.lab.write is called with what is loaded and the values of all controls.
  const KNOWN = new Set(ADDRESS_PARAMETERS);
  const HISTORY_DELAY = 250; // milliseconds in which several changes become one
  const lab = { tab: ADDRESS_TABS[0], lesson: window.labLearn?.place ?? {}, loaded: "", values: {}, latest: {}, wanted: "", held: true, pushing: false, timer: 0 };
  window.lab = lab;

  // A figure points to its patterns by the whole address if the page names a base, and loses them once that changes.
  const base = document.querySelector("base[href]");
  if (base && new URL(".", base.href).href === new URL(".", location).href) base.removeAttribute("href");

  const tabOf = (search) => ADDRESS_TABS.find((tab) => tab === new URLSearchParams(search).get("tab")) ?? lab.tab;
  const foreign = () => [...new URLSearchParams(location.search)].filter(([name]) => !KNOWN.has(name));

  lab.address = () => {
    const said = new URLSearchParams([["tab", lab.tab], ...new URLSearchParams(lab.loaded)]);
    for (const [name, value] of Object.entries(lab.tab === "learn" ? lab.lesson : (lab.values[lab.tab] ?? {})))
      if (value !== null && value !== undefined && value !== "" && value !== false) said.set(name, value);
    if (lab.tab === "compare" && document.querySelector(".lab-scores")) said.set("compared", "1");
    for (const [name, value] of foreign()) said.append(name, value);
    return `?${said}`;
  };

  const flush = () => {
    clearTimeout(lab.timer);
    if (lab.held) return;
    const address = lab.address();
    if (address !== location.search) history[lab.pushing ? "pushState" : "replaceState"](null, "", address);
    lab.pushing = false;
  };
  const schedule = () => {
    clearTimeout(lab.timer);
    lab.timer = setTimeout(flush, HISTORY_DELAY);
  };

  lab.write = (layout, [loaded, ...controls]) => {
    if (lab.loaded && loaded !== lab.loaded) lab.pushing = true; // so that Back brings the former collection
    const latest = {};
    for (const [tab, places] of Object.entries(layout))
      latest[tab] = Object.fromEntries(Object.entries(places).map(([name, at]) => [name, controls[at - 1]]));
    const question = lab.values[lab.tab]?.q;
    const typing = document.activeElement?.tagName === "TEXTAREA"; // a question counts once it is asked
    const values = structuredClone(latest);
    if (typing && lab.tab in values && "q" in values[lab.tab]) values[lab.tab].q = question;
    else if (question && question !== values[lab.tab]?.q) lab.pushing = true;
    Object.assign(lab, { loaded, values, latest });
    schedule();
  };
  lab.opened = (tab) => {
    if (tab === lab.tab) return;
    Object.assign(lab, { tab, pushing: true });
    schedule();
  };
  // The step of a lesson, which the Learn tab shows without the server; walked: to it from another.
  lab.learning = (lesson, walked) => {
    lab.lesson = lesson;
    if (walked) lab.pushing = true;
    schedule();
  };
  lab.asked = () => {
    Object.assign(lab, { values: lab.latest, pushing: true });
    schedule();
  };

  // The page follows the address: at first, when a link on the page is followed, and when the visitor goes back.
  const follow = (search) => {
    clearTimeout(lab.timer);
    Object.assign(lab, { wanted: search, held: true, tab: tabOf(search) });
    window.labLearn?.follow(search);
    document.querySelector("#lab-go").click();
  };
  const showTab = () =>
    document.querySelector("[role=tab][aria-selected=true]")?.scrollIntoView({ inline: "center", block: "nearest" });
  lab.restored = () => {
    showTab();
    Object.assign(lab, { held: false, pushing: false });
    schedule();
  };
  lab.answered = schedule; // what an address asked for is shown
  lab.tab = tabOf(location.search);
  addEventListener("popstate", () => follow(location.search));
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a.lab-go");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    flush();
    const search = new URL(link.href).search;
    history.pushState(null, "", search);
    follow(search);
  });

  addEventListener("click", async (event) => {
    const button = event.target.closest?.("#lab-copy");
    if (!button) return;
    flush();
    const told = document.querySelector("#lab-copied");
    try {
      await navigator.clipboard.writeText(location.href);
      told.textContent = "Copied.";
    } catch {
      told.textContent = "The browser does not allow that: copy the address from its address bar.";
    }
    setTimeout(() => (told.textContent = ""), 4000);
  });

  // A visitor's own documents and judgments are on the server only as long as the page is open.
  addEventListener("beforeunload", (event) => {
    if (lab.loaded === "own=1" || document.querySelector(".lab-judged")) event.preventDefault();
  });
}
