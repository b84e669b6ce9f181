/* Cells of the grids. */
(function () {
  "use strict";

  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

  /* A hash or an address: its ends in sight, all of it on hover, and copied by a click. */
  cells.Shortened = function (props) {
    const [copied, setCopied] = React.useState(false);
    const text = props.value;
    if (!text) return React.createElement("span", { className: "none" }, "new contract");
    const copy = () =>
      navigator.clipboard.writeText(text).then(() => {
        setCopied(true);
        window.setTimeout(() => setCopied(false), 1200);
      });
    const short = text.length > 14 ? text.slice(0, 8) + "…" + text.slice(-4) : text;
    return React.createElement(
      "button",
      { type: "button", className: "shortened", title: text, "aria-label": "Copy " + text, onClick: copy },
      copied ? "copied" : short,
    );
  };
})();
