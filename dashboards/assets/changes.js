/* What people change. The browser asks the API itself, so that it knows who asks, and may refuse. */
(function () {
  "use strict";

  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const unchanged = () => window.dash_clientside.no_update;

  /* What the API says to a change or a question: whether it was made and its answer, or why not. */
  async function ask(method, path, change) {
    try {
      const answer = await fetch(path, {
        method: method,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(change),
      });
      if (answer.ok) return { made: true, why: "", answer: answer.status === 204 ? null : await answer.json() };
      const problem = await answer.json();
      return { made: false, why: [problem.detail, problem.hint].filter(Boolean).join(" ") };
    } catch (failure) {
      return { made: false, why: "The server cannot be reached; nothing was changed." };
    }
  }

  async function saveCase(clicks, state, assignee, note, seen) {
    if (!clicks || !seen) return [unchanged(), unchanged()];
    const change = { case_state: state, assignee: assignee || "", updated_at: seen.updated_at };
    if (note && note.trim()) change.note = note.trim();
    const said = await ask("PATCH", "/v1/alerts/" + seen.id, change);
    return said.made ? ["Saved.", ""] : [said.why, unchanged()];
  }

  async function watch(clicks, about) {
    if (!clicks || !about) return unchanged();
    const said = await ask("POST", "/v1/watchlist", about);
    return said.made ? "It is watched from now on, and what it did before is looked for." : said.why;
  }

  Object.assign(clientside, { changes: { ask, saveCase, watch } });
})();
