// The page's style sheet and script. Blue and orange (never red and green) carry meaning, always beside a word or sign.
#include "hone/report/html_sections.h"

namespace hone::report {

namespace {

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--panel:#f5f7f9;--ink:#1a1f26;--soft:#5a6572;--line:#dde2e8;--grid:#e8ecf0;
--blue:#0a5fae;--blue-soft:#0a5fae22;--orange:#b84a00;--orange-soft:#b84a0026;--grey:#77828e;--teal:#00756b;--plum:#8a3a9b;--same:#8a95a122;
--mono:ui-monospace,"SF Mono",Menlo,"DejaVu Sans Mono",Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--bg:#121519;--panel:#1a1f25;--ink:#e6e9ed;--soft:#9aa5b1;--line:#2d353e;
--grid:#262d35;--blue:#6cb2ff;--blue-soft:#6cb2ff30;--orange:#ffa05f;--orange-soft:#ffa05f33;--grey:#8995a2;
--teal:#4fc7ba;--plum:#d19be0;--same:#9aa5b124}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","Noto Sans KR","Liberation Sans",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1040px;margin:0 auto;padding:40px 24px 64px}
.over{color:var(--soft);font-size:13px;margin:0;letter-spacing:.02em}
h1{font-size:30px;line-height:1.2;letter-spacing:-.015em;margin:6px 0 18px;font-weight:680;text-wrap:balance}
h2{font-size:19px;letter-spacing:-.005em;margin:0 0 14px;font-weight:650}
h3{font-size:15px;margin:22px 0 8px;font-weight:650}
h4{font-size:12px;margin:0 0 6px;font-weight:600;color:var(--soft);text-transform:uppercase;letter-spacing:.05em}
p{margin:0 0 12px}
.lead{font-size:18px;line-height:1.5;border-left:4px solid var(--blue);padding:10px 18px;background:var(--panel);
border-radius:0 8px 8px 0;margin:0 0 18px;text-wrap:pretty}
.chips{display:flex;flex-wrap:wrap;gap:6px 20px;margin:0 0 26px;padding:0;list-style:none;font-size:14px;
color:var(--soft)}
.chips b{color:var(--ink);font-weight:600}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;border-top:1px solid var(--line);border-bottom:1px solid var(--line);
padding:10px 0;font-size:14px}
nav a{color:var(--blue);text-decoration:none}
nav a:hover{text-decoration:underline}
section{margin:40px 0 0}
.method{max-width:46em}
.soft{color:var(--soft)}
.note{color:var(--soft);font-size:14px;max-width:52em}
.missing{color:var(--soft);border:1px dashed var(--line);border-radius:8px;padding:10px 14px;font-size:14px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(146px,1fr));gap:12px;margin:0 0 22px}
.tile{background:var(--panel);border-radius:10px;padding:12px 16px 13px;
display:grid;grid-template-rows:1fr auto auto auto}
.tile .name{font-size:13px;color:var(--soft)}
.tile .big{font-size:30px;line-height:1.25;font-weight:660;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile .big small{font-size:15px;font-weight:500;color:var(--soft);letter-spacing:0}
.tile .range,.tile .was{font-size:13px;color:var(--soft);font-variant-numeric:tabular-nums}
.tile .was{margin-top:5px;padding-top:5px;border-top:1px solid var(--line)}
.scroll{overflow-x:auto;margin:0 0 14px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1.5px solid var(--line);padding:7px 14px 7px 0;
vertical-align:bottom;white-space:nowrap;cursor:pointer;user-select:none}
th[aria-sort=ascending]::after{content:" ↑"}
th[aria-sort=descending]::after{content:" ↓"}
td{border-bottom:1px solid var(--line);padding:7px 14px 7px 0;vertical-align:top}
th small{font-weight:400;margin-left:5px}
.results th:not(:first-child),.results td:not(:first-child),.phases td:nth-last-child(-n+3),
.phases th:nth-last-child(-n+3){text-align:right}
.results th:not(:first-child){white-space:normal}
.results td small{display:block;color:var(--soft);font-size:12px;white-space:nowrap}
.results td b{font-weight:600}
.results td:first-child{white-space:nowrap}
.key{display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:8px;background:var(--grey);opacity:.55}
.key.improved{background:var(--blue);opacity:1}
.key.base{background:var(--ink);opacity:1}
.options td:first-child,.options td:nth-child(3){white-space:nowrap}
.options td:nth-child(2),.options td:nth-child(4){min-width:7.5em}
code,pre{font-family:var(--mono);font-size:13px}
.options code{overflow-wrap:anywhere}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(420px,100%),1fr));gap:26px 40px;margin:22px 0 0}
.figures.curves{grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:24px 28px}
figure{margin:0;break-inside:avoid}
figcaption{font-size:14px;font-weight:600;margin:0 0 6px;overflow-wrap:anywhere}
svg.chart{display:block;width:100%;height:auto;overflow:visible}
.curves svg{max-width:420px}
svg text{font-size:12px;fill:var(--ink);font-variant-numeric:tabular-nums}
svg .tick,svg .unit,svg .phase{fill:var(--soft);font-size:11px}
svg .mid{text-anchor:middle}
svg .end,svg .value{text-anchor:end}
svg .value2{font-weight:650}
svg .grid{stroke:var(--grid)}
svg .axis{stroke:var(--line)}
svg .zero{stroke:var(--grey);stroke-dasharray:3 3}
svg .margin{stroke:var(--orange);stroke-width:1.5;stroke-dasharray:4 3}
svg .hit{fill:transparent}
svg .arm:hover .hit{fill:var(--same)}
svg .span{stroke-width:3;stroke-linecap:round;opacity:.45}
svg .arm line.seed{stroke-width:1.2}
.arm.base{color:var(--ink)}.arm.improved{color:var(--blue)}.arm.other{color:var(--grey)}.arm.lost{color:var(--orange)}
.arm .span,.arm line.seed{stroke:currentColor}
.arm .dot{fill:currentColor}
.arm.improved text{font-weight:650}
svg line.phase{stroke:var(--grey);stroke-dasharray:2 3;opacity:.8}
svg path.mean{fill:none;stroke:var(--blue);stroke-width:1.8;stroke-linejoin:round}
svg path.seed{fill:none;stroke:var(--blue);stroke-width:1;opacity:.32}
svg circle.mean,svg circle.seed{fill:var(--blue)}
.series,.swatch{color:var(--blue)}
.s1{color:var(--orange)}.s2{color:var(--ink)}.s3{color:var(--teal)}.s4{color:var(--plum)}.s5{color:var(--grey)}
svg .series path.mean,svg.series path.mean{stroke:currentColor;stroke-width:2.2}
svg .series path.seed{stroke:currentColor;opacity:.2}
svg .series.s1 path.mean,svg.series.s1 path.mean{stroke-dasharray:7 3}
svg .series.s2 path.mean,svg.series.s2 path.mean{stroke-dasharray:2 2.5}
svg .series.s3 path.mean,svg.series.s3 path.mean{stroke-dasharray:10 3 2 3}
svg .series.s4 path.mean,svg.series.s4 path.mean{stroke-dasharray:4 4}
svg .series.s5 path.mean,svg.series.s5 path.mean{stroke-dasharray:14 4}
svg .series .mark,svg.series .mark{fill:currentColor;stroke:var(--bg);stroke-width:1}
svg .series .mark.open,svg.series .mark.open{fill:none;stroke:currentColor;stroke-width:2}
svg .series .span{stroke:currentColor}
.keys{display:flex;flex-wrap:wrap;gap:2px 20px;font-size:14px;margin:2px 0 6px}
.keys span{display:inline-flex;align-items:center;gap:7px}
figcaption small{font-weight:400;color:var(--soft);margin-left:5px}
.axis-choice{position:absolute;opacity:0}
.axis-choice+label{display:inline-block;border:1px solid var(--line);border-radius:16px;padding:2px 13px;font-size:14px;
margin:0 8px 6px 0;cursor:pointer}
.axis-choice:checked+label{border-color:var(--blue);color:var(--blue);font-weight:600}
.axis-choice:focus-visible+label{outline:2px solid var(--blue);outline-offset:2px}
#by-step:checked~.by-tokens,#by-tokens:checked~.by-step{display:none}
.results td .gap{color:var(--ink)}
.results tr.first-of-run td{border-top:1.5px solid var(--line)}
.wide{margin:0 0 6px;max-width:640px}
svg .cursor{stroke:var(--grey);stroke-width:1;pointer-events:none}
svg .flow.same{fill:var(--grey);opacity:.22}
svg .flow.gained{fill:var(--blue);opacity:.78}
svg .flow.lost{fill:var(--orange);opacity:.82}
svg .flow:hover{opacity:1}
svg rect.right{fill:var(--blue)}
svg rect.wrong{fill:var(--grey)}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;font-size:14px;margin:6px 0 0}
.legend span::before{content:"";display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px}
.legend .gained::before{background:var(--blue)}
.legend .lost::before{background:var(--orange)}
.badge{display:inline-block;border-radius:20px;padding:1px 11px;font-size:12px;font-weight:650;letter-spacing:.02em;
margin-right:10px;white-space:nowrap;border:1px solid currentColor}
.badge.good{color:var(--blue);background:var(--blue-soft)}
.badge.bad{color:var(--orange);background:var(--orange-soft)}
.badge.open{color:var(--soft)}
.claim{border-top:1px solid var(--line);padding:14px 0 8px}
.claim h3{margin:0 0 8px;line-height:1.7}
.claim .id{color:var(--soft);margin-right:8px}
.contrast{display:grid;grid-template-columns:minmax(200px,1fr) 480px;gap:8px 24px;align-items:start;font-size:14px;
break-inside:avoid}
.contrast p{margin:2px 0 8px}
.contrast svg{max-width:480px}
.transcript{background:var(--panel);border-radius:10px;padding:16px 18px;margin:0 0 16px;break-inside:avoid}
.transcript h3{margin:0 0 2px}
.prompt,.command{background:var(--panel);border-radius:8px;padding:11px 14px;margin:0 0 12px}
.transcript .prompt{background:var(--bg)}
.turns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(300px,100%),1fr));gap:12px}
.turn{background:var(--bg);border-radius:8px;padding:11px 14px;border-left:4px solid var(--line)}
.turn.good{border-color:var(--blue)}
.turn.bad{border-color:var(--orange)}
.verdict{font-size:14px;margin:9px 0 0;font-weight:600}
.turn.good .verdict{color:var(--blue)}
.turn.bad .verdict{color:var(--orange)}
.search{margin:0 0 26px}
svg.search{display:block;max-width:none}
svg .branch{fill:none;stroke:var(--line);stroke-width:1.4}
svg .branch.path{stroke:var(--blue);stroke-width:3}
svg .node rect{fill:var(--panel);stroke:var(--line)}
svg .node:hover rect{stroke:var(--ink)}
svg .node.path rect{stroke:var(--blue);stroke-width:2;fill:var(--bg)}
svg .node.goal rect{fill:var(--blue-soft)}
svg .node.faulty rect{stroke:var(--orange);stroke-dasharray:4 3}
svg .node .number{fill:var(--soft);font-size:10px}
svg .node .by{fill:var(--soft)}
svg .node .left{text-anchor:end;font-weight:600}
svg .node.dead .left{fill:var(--soft);font-weight:400}
svg .node.goal .left{fill:var(--blue)}
svg .node.faulty .left{fill:var(--orange)}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:5px 22px;margin:0 0 18px;font-size:14px}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere}
details{margin:10px 0}
summary{cursor:pointer;font-size:14px;color:var(--blue);padding:4px 0}
#tip{position:fixed;z-index:9;pointer-events:none;background:var(--ink);color:var(--bg);font-size:12px;line-height:1.4;
padding:5px 9px;border-radius:6px;white-space:pre;display:none;font-variant-numeric:tabular-nums}
footer{margin:48px 0 0;padding:14px 0 0;border-top:1px solid var(--line);color:var(--soft);font-size:13px}
@media (max-width:760px){main{padding:24px 16px 48px}h1{font-size:25px}.contrast{grid-template-columns:1fr}}
@media print{:root{color-scheme:light;--bg:#fff;--panel:#f5f7f9;--ink:#000;--soft:#444;--line:#ccc;--grid:#e4e4e4;
--blue:#0a5fae;--orange:#b84a00;--grey:#777;
--teal:#00756b;--plum:#8a3a9b}body{font-size:11pt}main{max-width:none;padding:0}nav,#tip,.axis-choice+label{display:none}
section{margin-top:22pt}h2,h3,.note{break-after:avoid}tr,.claim{break-inside:avoid}*{print-color-adjust:exact}
.scroll{overflow:visible}.tiles{grid-template-columns:repeat(auto-fit,minmax(112px,1fr));gap:8px}.tile{padding:8px 10px}
.tile .big{font-size:21px}.contrast{grid-template-columns:1fr 300px}
.figures{grid-template-columns:1fr 1fr;gap:14pt 20pt}.figures.curves{grid-template-columns:1fr 1fr 1fr}}
)css";

constexpr std::string_view kScript = R"js(
"use strict";
// Tables sort by a click on a header: by number where both cells begin with one, else by text.
for (const th of document.querySelectorAll("th")) {
  th.onclick = () => {
    const column = [...th.parentNode.children].indexOf(th), body = th.closest("table").tBodies[0];
    const down = th.getAttribute("aria-sort") === "ascending";
    for (const other of th.parentNode.children) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => { const t = row.cells[column].textContent.trim(), n = parseFloat(t.replace("−", "-"));
      return [isNaN(n) ? null : n, t]; };
    const compare = (a, b) => { const [m, s] = key(a), [n, t] = key(b);
      return m !== null && n !== null ? m - n : s.localeCompare(t); };
    const rows = [...body.rows].sort(compare);
    body.append(...(down ? rows.reverse() : rows));
  };
}
// Values of curves under the pointer, read back from the drawn points.
const tip = document.getElementById("tip"), SVG = "http://www.w3.org/2000/svg";
const show = v => +v.toPrecision(4) + "";
for (const svg of document.querySelectorAll("svg.lines")) {
  const [y0, y1, v0, v1] = svg.dataset.y.split(" ").map(Number);
  const lines = [...svg.querySelectorAll("path[data-x]")].map(path => ({
    x: path.dataset.x.split(" ").map(Number), name: path.dataset.n,
    points: path.getAttribute("d").slice(1).split(/[ML]/).map(p => p.split(" ").map(Number))}));
  const cursor = svg.appendChild(document.createElementNS(SVG, "line"));
  cursor.setAttribute("class", "cursor");
  const hide = () => { tip.style.display = "none"; cursor.style.display = "none"; };
  svg.onpointerleave = hide;
  svg.onpointermove = event => {
    const box = svg.getBoundingClientRect(), at = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    const here = lines.filter(l => at >= l.x[0] - 1 && at <= l.x[1] + 1);
    if (!here.length) return hide();
    const nearest = l => l.points.reduce((a, b) => Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a);
    const points = here.map(nearest), [p0, p1, s0, s1] = here[0].x, x = points[0][0];
    // Dense lines are thinned each on its own, so their nearest points may belong to neighbouring steps.
    const same = points.every(p => Math.abs(p[0] - x) < 0.06);
    const unit = svg.dataset.unit || "step";
    tip.textContent = (same ? "" : "near ") + unit + " " + Math.round(s0 + (x - p0) / (p1 - p0) * (s1 - s0)) +
      here.map((l, i) =>
      "\n" + (l.name ? l.name + ": " : "") + show(v0 + (points[i][1] - y0) / (y1 - y0) * (v1 - v0))).join("");
    tip.style.display = "block";
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = event.clientY + 14 + "px";
    cursor.style.display = "";
    for (const [k, v] of [["x1", x], ["x2", x], ["y1", y1], ["y2", y0]]) cursor.setAttribute(k, v);
  };
}
// Paper has no clicks: everything folded is printed.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(d => d.open = true));
)js";

}  // namespace

std::string_view page_style() { return kStyle; }
std::string_view page_script() { return kScript; }

}  // namespace hone::report
