/* Functions that grids call by name. */
(function () {
  "use strict";

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  const PHONE = window.matchMedia("(max-width: 760px)");
  const NARROW = 400; // CSS pixels: a grid that is not wider puts two lines into a cell
  const ROW = 38;
  const TOUCHED_ROW = 46; // CSS pixels: a thumb finds these

  /* Columns that a row is read by are always there. The others come with the room for them, those first that need the
   * least of it to be worth it, and only as long as all fit: no grid is wider than its page. On a phone, and where a cell
   * has two lines, rows are higher. */
  functions.fitColumns = function (params) {
    const columns = params.api.getColumns() || [];
    const from = (column) => (column.getColDef().context || {}).fromWidth || 0;
    const least = (column) => (column.getColDef().flex ? column.getMinWidth() : column.getColDef().width || 200);
    const fitting = new Set();
    let room = params.clientWidth;
    for (const column of [...columns].sort((one, other) => from(one) - from(other))) {
      room -= least(column);
      if (from(column) && (from(column) > params.clientWidth || room < 0)) break;
      fitting.add(column);
    }
    const changed = columns.filter((column) => column.isVisible() !== fitting.has(column));
    for (const visible of [true, false]) {
      const columns = changed.filter((column) => fitting.has(column) === visible);
      if (columns.length) params.api.setColumnsVisible(columns, visible);
    }
    const height = PHONE.matches || params.clientWidth < NARROW ? TOUCHED_ROW : ROW;
    if (params.api.getGridOption("rowHeight") !== height) params.api.setGridOption("rowHeight", height);
  };
})();
