/* Saves what somebody makes of an alert. The browser asks the API itself, so that it knows who asks, and may refuse. */
(function () {
  "use strict";

  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const unchanged = () => window.dash_clientside.no_update;

  async function save(clicks, state, assignee, note, seen) {
    if (!clicks || !seen) return [unchanged(), unchanged()];
    const change = { case_state: state, assignee: assignee || "", updated_at: seen.updated_at };
    if (note && note.trim()) change.note = note.trim();
    try {
      const answer = await fetch("/v1/alerts/" + seen.id, {
        method: "PATCH",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(change),
      });
      if (answer.ok) return ["Saved.", ""];
      const problem = await answer.json();
      return [[problem.detail, problem.hint].filter(Boolean).join(" "), unchanged()];
    } catch (failure) {
      return ["The server cannot be reached; nothing was saved.", unchanged()];
    }
  }

  Object.assign(clientside, { alertcase: { save } });
})();
