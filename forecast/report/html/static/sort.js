// Sort a table.sortable by a column: a click on its header, and another for the other direction; empty cells stay last.
document.addEventListener("click", event => {
  const head = event.target.closest?.("table.sortable th:has(button)");
  if (!head) return;
  const table = head.closest("table"), place = head.cellIndex;
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = row => row.cells[place].dataset.value ?? row.cells[place].textContent;
  const compare = (a, b) => isNaN(key(a)) || isNaN(key(b)) ? key(a).localeCompare(key(b)) : key(a) - key(b);
  const empty = row => key(row) === "";
  const rows = [...table.tBodies[0].rows].sort((a, b) => empty(a) - empty(b) || (up ? 1 : -1) * compare(a, b));
  table.tBodies[0].append(...rows);
});
