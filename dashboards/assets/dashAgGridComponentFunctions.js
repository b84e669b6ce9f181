/* Cells of the grids. */
(function () {
  "use strict";

  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const element = React.createElement;

  /* A hash or an address: its ends, or the name it goes by, in sight; all of it on hover; copied by a button. It leads
   * to its page where the row says where that is. */
  cells.Identifier = function (props) {
    const text = props.value;
    const field = props.colDef.field;
    if (!text) return element("span", { className: "none" }, field === "to" ? "new contract" : "–");
    const path = props.data[field + "_path"];
    const name = props.data[field + "_name"];
    const look = name ? "named" : undefined;
    const shown = name || (text.length > 14 ? text.slice(0, 8) + "…" + text.slice(-4) : text);
    return element(
      "span",
      { className: "identifier" },
      path
        ? element("a", { href: path, title: text, className: look, "data-page": "" }, shown)
        : element("span", { title: text, className: look }, shown),
      element("button", { type: "button", className: "copy", title: "Copy", "data-copy": text, "aria-label": "Copy " + text }),
    );
  };

  /* Text that leads to a page: where, says the field of the row that the column's `path` names. */
  cells.Linked = function (props) {
    const path = props.data[props.path];
    return path ? element("a", { href: path, className: "leads", "data-page": "" }, props.value) : props.value;
  };

  /* A word that has a colour; where the grid is too narrow for a column of times (`assets/page.css`), how long ago it was
   * said stands below it, if the column names the field of that moment: `assets/live.js` keeps it counting. */
  cells.Badge = function (props) {
    const badge = element("span", { className: "badge " + props.value }, props.value);
    const since = props.since && props.data[props.since];
    if (!since) return badge;
    const told = { className: "age", dateTime: since, title: props.data[props.since + "_exact"], "data-age": since };
    return element("span", { className: "aged" }, badge, element("time", told));
  };
})();
