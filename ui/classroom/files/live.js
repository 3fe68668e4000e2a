// What both pages of a class share: asking the lab, following what changes, and telling what happens.

const WAIT = 30_000; // milliseconds until a request is given up; the lab answers within 15 seconds
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const byId = (id) => document.getElementById(id);

export const code = document.body.dataset.code;
export const main = byId("main");

// Say something to screen readers; the teacher's page shows it too.
export function say(words) {
  byId("said").textContent = words;
}

export function trouble(words) {
  const place = byId("trouble");
  if (place.textContent !== words) place.textContent = words;
  place.hidden = !words;
}

// Return the answer to a request, as {status, content}; status 0 where the lab cannot be reached.
export async function ask(name, content) {
  const sent = content && { method: "POST", body: JSON.stringify(content), headers: { "Content-Type": "application/json" } };
  const base = document.body.classList.contains("teacher") ? "." : code;
  try {
    const answer = await fetch(`${base}/${name}`, { cache: "no-store", signal: AbortSignal.timeout(WAIT), ...sent });
    const json = answer.headers.get("content-type")?.includes("json");
    return { status: answer.status, content: json ? await answer.json() : {} };
  } catch {
    return { status: 0, content: {} };
  }
}

// Ask until the lab answers with what can be shown or with a last word; return that answer. name: returns what is asked;
// it is told whether the lab was out of reach just now.
export async function insist(name, content) {
  let lost = false;
  for (let wait = 1000; ; wait = Math.min(2 * wait, 8000)) {
    const answer = await ask(name(lost), content?.());
    if (answer.status === 401) location.reload(); // the login has ended
    if (answer.status && answer.status < 500 && answer.status !== 429) {
      trouble("");
      return answer;
    }
    lost = true;
    trouble(answer.content.detail ?? "The lab cannot be reached at the moment. This page goes on by itself; nothing of yours is lost.");
    await pause(wait * (0.75 + Math.random() / 2)); // not all phones in the same moment
  }
}

// Show what changes, as long as there is a class. query: returns the parameters that say what the page has.
export async function follow(name, query, show, least = 0) {
  for (;;) {
    const { status, content } = await insist((lost) => `${name}?${lost ? "have=0" : query()}`);
    if (status === 200) show(content);
    else if (status !== 204) return gone(content.detail);
    if (status === 200 && content.phase === "over") return;
    await pause(least);
  }
}

export function gone(words, heading = "This class is gone") {
  main.innerHTML = '<h1></h1><p></p><p><a href="../class">Join or start another class</a></p>';
  main.querySelector("h1").textContent = heading;
  if (document.body.classList.contains("teacher")) main.querySelector("a").href = "../../class";
  main.querySelector("p").textContent = words ?? "It is over, or the lab was restarted.";
  document.body.classList.add("gone");
  trouble("");
}

// Put HTML of the lab into the page; whoever was inside of it with the keyboard stays there.
export function replace(html) {
  const inside = main.contains(document.activeElement) && document.activeElement !== main;
  main.innerHTML = html;
  for (const time of main.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }
  if (inside) main.focus();
}
