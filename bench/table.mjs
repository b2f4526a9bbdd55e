// SPDX-License-Identifier: MIT
// Numbers and tables of the comparison.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function geometricMean(values) {
  if (values.length === 0) return undefined;
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

// Three significant digits or whole milliseconds, whichever is longer.
export function ms(value) {
  const digits = value > 0 ? 2 - Math.floor(Math.log10(value)) : 2;
  return value.toFixed(Math.min(Math.max(digits, 0), 6));
}

export function ratio(a, b) {
  return a === undefined || b === undefined ? '' : (a / b).toFixed(2);
}

// Lines of fixed columns, so that they can be printed one by one while measuring goes on.
export function plainTable(header, names) {
  const first = Math.max(20, ...names.map((n) => n.length)) + 1;
  const pad = (cell, i) =>
    i === 0 ? cell.padEnd(first) : cell.padStart(Math.max(8, header[i].length) + 1);
  const line = (cells) => cells.map(pad).join('').trimEnd();
  return { header: line(header), row: line };
}

export function markdownTable(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
}
