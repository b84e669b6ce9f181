/* Rules: shown in their form, saved, made, ended, and tried on the past. */
(function () {
  "use strict";

  const OFTEN = 700; // milliseconds between two questions how a job stands
  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const unchanged = () => window.dash_clientside.no_update;
  const ask = (...change) => window.dash_clientside.changes.ask(...change);
  const lead = (path) => window.dash_clientside.navigate.lead(path);
  const place = (name) => "/v1/rules/" + encodeURIComponent(name);

  /* What people have written stays until the rule itself is another. */
  function show(rule, shown) {
    const now = rule && rule.name + " " + rule.changed_at;
    if (!rule || now === shown) return [unchanged(), unchanged(), unchanged(), unchanged()];
    return [rule.state, rule.severity, rule.definition, now];
  }

  /* A definition that was written down, or in words why it cannot be one. */
  function read(text) {
    try {
      return { definition: JSON.parse(text), why: "" };
    } catch (mistake) {
      return { definition: null, why: "The definition is no JSON: " + mistake.message + "." };
    }
  }

  async function save(clicks, rule, state, severity, text) {
    if (!clicks || !rule) return [unchanged(), unchanged()];
    const written = read(text);
    if (written.why) return [written.why, unchanged()];
    const change = { definition: written.definition, severity: severity, state: state, changed_at: rule.changed_at };
    const said = await ask("PUT", place(rule.name), change);
    return said.made ? ["Saved: version " + said.answer.version + ".", said.answer.changed_at] : [said.why, unchanged()];
  }

  async function make(clicks, name, state, severity, text) {
    if (!clicks) return unchanged();
    if (!name || !name.trim()) return "A rule needs a name.";
    const written = read(text);
    if (written.why) return written.why;
    const rule = { name: name.trim(), definition: written.definition, severity: severity, state: state };
    const said = await ask("POST", "/v1/rules", rule);
    if (!said.made) return said.why;
    lead("/rules/" + rule.name);
    return unchanged();
  }

  async function end(clicks, rule) {
    if (!clicks || !rule) return unchanged();
    if (!window.confirm("Delete the rule " + rule.name + "? Its alerts stay.")) return unchanged();
    const said = await ask("DELETE", place(rule.name));
    if (!said.made) return said.why;
    lead("/rules");
    return unchanged();
  }

  /* The worker does it, one job at a time; whoever leaves the page waits no longer. */
  async function tryOnThePast(clicks, start, text) {
    if (!clicks) return [unchanged(), unchanged()];
    const prefix = window.dash_clientside.callback_context.triggered_id.replace(/-try$/, "");
    const line = document.getElementById(prefix + "-tried");
    const written = read(text);
    if (written.why) return [written.why, null];
    const set = (id, props) => window.dash_clientside.set_props(prefix + id, props);
    set("-try", { disabled: true });
    try {
      let said = await ask("POST", "/v1/rules/backtest", { definition: written.definition, start: start });
      while (said.made && line.isConnected) {
        const job = said.answer;
        if (job.state === "done") return ["", job.result];
        if (job.state === "failed") return ["It could not be tried: " + job.error + ".", null];
        const far = Math.floor(100 * job.progress) + " % of the range is looked at …";
        set("-tried", { children: job.state === "queued" ? "It waits for the worker …" : far });
        await new Promise((resolve) => window.setTimeout(resolve, OFTEN));
        said = await ask("GET", "/v1/jobs/" + job.id);
      }
      return line.isConnected ? [said.why, null] : [unchanged(), unchanged()];
    } finally {
      if (line.isConnected) set("-try", { disabled: false });
    }
  }

  Object.assign(clientside, { rules: { show, save, make, end, tryOnThePast } });
})();
