"use strict";
(() => {
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  });

  const data = JSON.parse(document.getElementById("data").textContent);
  const { series, rounds } = data;
  const svg = document.getElementById("timeline");
  const cross = document.getElementById("cross");
  const drag = document.getElementById("drag");
  const tip = document.getElementById("tip");
  const x0 = +svg.dataset.x0, x1 = +svg.dataset.x1, end = +svg.dataset.end;
  const bucket = series.bucket_ms * 1000, perSecond = 1000 / series.bucket_ms, columns = 744;
  let view = [0, end];

  const x = (us) => x0 + (us - view[0]) / (view[1] - view[0]) * (x1 - x0);
  const time = (px) => view[0] + (px - x0) / (x1 - x0) * (view[1] - view[0]);
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

  // Gathers the buckets in view into columns: [middle in µs, values].
  function gather(values) {
    const first = clamp(Math.floor(view[0] / bucket) - 1, 0, values.length);
    const last = clamp(Math.ceil(view[1] / bucket) + 1, 0, values.length);
    const width = Math.max(1, Math.ceil((last - first) / columns));
    const out = [];
    for (let at = first; at < last; at += width) {
      const known = values.slice(at, Math.min(at + width, last)).filter((v) => v !== null);
      out.push([(at + width / 2) * bucket, known]);
    }
    return out;
  }

  function drawPath(path) {
    const d = path.dataset, y0 = +d.y0, y1 = +d.y1;
    const linear = (v) => y0 + clamp(v / +d.high, 0, 1) * (y1 - y0);
    const log = (v) => y0 + clamp((Math.log10(Math.max(v, 1)) - +d.low) / (+d.high - +d.low), 0, 1) * (y1 - y0);
    const name = d.series;
    let out = "", down = false;
    if (name === "acknowledged") {
      const points = gather(series.acknowledged);
      out = "M" + x(points[0][0]).toFixed(1) + " " + y0;
      for (const [us, values] of points) {
        const mean = values.reduce((a, b) => a + b, 0) / Math.max(1, values.length) * perSecond;
        out += "L" + x(us).toFixed(1) + " " + linear(mean).toFixed(1);
      }
      out += "V" + y0 + "Z";
    } else {
      const lowest = name === "lowest";
      for (const [us, values] of gather(lowest ? series.acknowledged : series[name])) {
        if (values.length === 0) { down = false; continue; }
        const v = lowest ? Math.min(...values) * perSecond : Math.max(...values);
        out += (down ? "L" : "M") + x(us).toFixed(1) + " " + (lowest ? linear(v) : log(v)).toFixed(1) + (down ? "" : "h.5");
        down = true;
      }
    }
    path.setAttribute("d", out);
  }

  function drawTimes() {
    const group = document.getElementById("times");
    const y = +group.querySelector("line").getAttribute("y1");
    const least = (view[1] - view[0]) / 1e6 / 12;
    const power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= least);
    let out = "";
    for (let tick = Math.ceil(view[0] / 1e6 / step); tick * step <= view[1] / 1e6; tick++) {
      const at = x(tick * step * 1e6).toFixed(1);
      const label = +(tick * step).toPrecision(8);
      out += `<line class="grid" x1="${at}" x2="${at}" y1="${y}" y2="${y + 5}"/>` +
        `<text class="tick middle" x="${at}" y="${y + 18}">${label} s</text>`;
    }
    group.innerHTML = out;
  }

  function draw() {
    for (const rect of svg.querySelectorAll("rect[data-a]")) {
      const from = clamp(x(+rect.dataset.a), x0 - 5, x1 + 5), to = clamp(x(+rect.dataset.b), x0 - 5, x1 + 5);
      rect.setAttribute("x", from.toFixed(1));
      rect.setAttribute("width", Math.max(to - from, 0.5).toFixed(1));
    }
    svg.querySelectorAll("path[data-series]").forEach(drawPath);
    drawTimes();
  }

  function zoom(from, to) {
    const middle = (from + to) / 2, span = Math.max(to - from, 5 * bucket);
    view = [Math.max(0, middle - span / 2), Math.min(end, middle + span / 2)];
    draw();
  }

  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return clamp((event.clientX - box.left) / box.width * svg.viewBox.baseVal.width, x0, x1);
  };
  const ms = (us) => us === null || us === undefined ? "–" : us >= 1e6 ? (us / 1e6).toFixed(2) + " s" : (us / 1e3).toFixed(1) + " ms";

  function point(event) {
    const px = place(event), us = time(px), at = clamp(Math.floor(us / bucket), 0, series.due.length - 1);
    cross.setAttribute("x1", px); cross.setAttribute("x2", px); cross.style.visibility = "visible";
    const round = rounds.find((r) => us >= r[2] && us < r[3]);
    const lost = series.unacknowledged[at] ? `\nnever acknowledged ${series.unacknowledged[at]}` : "";
    tip.textContent = `${(at * bucket / 1e6).toFixed(1)} s${round ? `   round ${round[0]}, ${round[1]}` : ""}\n` +
      `${(series.acknowledged[at] * perSecond).toFixed(0)} acknowledged/s\n` +
      `p50 ${ms(series.p50_us[at])}   p99 ${ms(series.p99_us[at])}   max ${ms(series.max_us[at])}${lost}`;
    tip.hidden = false;
    const left = event.clientX + 16 + tip.offsetWidth > innerWidth ? event.clientX - 16 - tip.offsetWidth : event.clientX + 16;
    tip.style.left = left + "px";
    tip.style.top = event.clientY + 16 + "px";
  }

  let start = null;
  svg.addEventListener("pointerdown", (event) => { start = place(event); svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointermove", (event) => {
    point(event);
    if (start === null) return;
    const px = place(event);
    drag.setAttribute("x", Math.min(start, px)); drag.setAttribute("width", Math.abs(px - start));
  });
  svg.addEventListener("pointerup", (event) => {
    const px = place(event), from = start;
    start = null;
    drag.setAttribute("width", 0);
    if (from !== null && Math.abs(px - from) > 6) zoom(time(Math.min(from, px)), time(Math.max(from, px)));
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; cross.style.visibility = "hidden"; });
  svg.addEventListener("dblclick", () => zoom(0, end));
  for (const row of document.querySelectorAll("tr[data-a]")) {
    row.addEventListener("click", () => {
      zoom(+row.dataset.a - 2e6, +row.dataset.b);
      svg.scrollIntoView({ behavior: "smooth", block: "center" });
    });
  }
})();
