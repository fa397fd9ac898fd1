// A line of the last minute.

import { drawing } from "./element.js";

const points = 60;
const width = 96;
const height = 24;

export class Sparkline {
  constructor() {
    this.values = new Array(points).fill(0);
    this.area = drawing("path", { class: "area" });
    this.line = drawing("path", { class: "line" });
    const shape = { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" };
    this.place = drawing("svg", { class: "sparkline", ...shape }, this.area, this.line);
  }

  add(value) {
    this.values = [...this.values.slice(1), value];
    const top = Math.max(1, ...this.values);
    const at = (v, i) => `${((i * width) / (points - 1)).toFixed(1)} ${(height - 2 - (v / top) * (height - 4)).toFixed(1)}`;
    const path = `M${this.values.map(at).join("L")}`;
    this.line.setAttribute("d", path);
    this.area.setAttribute("d", `${path}L${width} ${height}L0 ${height}Z`);
  }
}
