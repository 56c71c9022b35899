#include "spmd_bench/report/html_style.hpp"

namespace spmd_bench {

const std::string_view html_style = R"css(
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--quiet:#57606a;--rule:#d0d7de;--soft:#f3f5f7;
--here:#a40e26;--shade:#0006;
--c0:#57606a;--c1:#c2410c;--c2:#9333ea;--c3:#0b62c4;--c4:#0e7490;--c5:#15803d;--c6:#be185d;--c7:#8a6d00;
--c8:#4338ca;--c9:#7c2d12}
@media(prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e6e9ec;--quiet:#a3adb8;--rule:#3a424a;
--soft:#1e2328;--here:#ff8a94;--shade:#fff6;
--c0:#a3adb8;--c1:#fb923c;--c2:#c99bff;--c3:#6cb1ff;--c4:#4fd1e5;--c5:#58d68d;--c6:#ff8fc0;--c7:#e3c34d;
--c8:#a5b0ff;--c9:#e8a87c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1060px;padding:20px 16px 48px;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:.4em 0}
h2{font-size:1.15rem;margin:2em 0 .5em;border-bottom:1px solid var(--rule);padding-bottom:.2em}
p{margin:.4em 0}
.answer{background:var(--soft);border-left:4px solid var(--c3);padding:.7em 1em;border-radius:4px}
.answer p:first-child{font-size:1.1rem;font-weight:600}
.warnings{color:var(--here)}
.quiet{color:var(--quiet)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em;margin:0}
dt{color:var(--quiet)}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
code{font:.9em/1.45 ui-monospace,monospace}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:20px}
figure{margin:0;min-width:0}
figcaption{font-weight:600;margin-bottom:.3em}
figure>svg{display:block;width:100%;height:auto;max-width:640px}
svg text{font:13px ui-monospace,monospace;fill:var(--ink)}
svg text.axis{font-family:system-ui,sans-serif;fill:var(--quiet)}
.grid{stroke:var(--rule);fill:none}
.line{stroke:var(--c);fill:none;stroke-width:2}
.dash1{stroke-dasharray:7 3}.dash2{stroke-dasharray:2 3}.dash3{stroke-dasharray:8 3 2 3}
.band{fill:var(--c);opacity:.16}
.mark{fill:var(--c);stroke:var(--paper);stroke-width:.8}
.dot{fill:var(--c);opacity:.5}
.box{stroke:var(--c);fill:none;stroke-width:1.3}
.middle{stroke:var(--c);stroke-width:3}
.between{fill:var(--here);opacity:.16}
path.here{stroke:var(--here);stroke-width:1.5}
.ideal{stroke:var(--quiet);stroke-dasharray:3 4;stroke-width:1.5;fill:none}
.s0{--c:var(--c0)}.s1{--c:var(--c1)}.s2{--c:var(--c2)}.s3{--c:var(--c3)}.s4{--c:var(--c4)}
.s5{--c:var(--c5)}.s6{--c:var(--c6)}.s7{--c:var(--c7)}.s8{--c:var(--c8)}.s9{--c:var(--c9)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1em 1.1em;margin:.3em 0 0;padding:0;font-size:.9rem}
.legend svg{width:34px;height:14px;margin-right:.4em;vertical-align:-2px}
.scroll{overflow-x:auto;--to:linear-gradient(to right,var(--shade),transparent);
--from:linear-gradient(to left,var(--shade),transparent);
background:linear-gradient(to right,var(--paper) 40%,transparent) left/48px 100% no-repeat local,
linear-gradient(to left,var(--paper) 40%,transparent) right/48px 100% no-repeat local,
var(--to) left/14px 100% no-repeat scroll,var(--from) right/14px 100% no-repeat scroll}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
.table{margin:.4em 0}
.table figcaption{font-weight:400;color:var(--quiet);font-size:.88rem}
th,td{padding:.25em .7em;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
thead th{vertical-align:bottom;border-bottom:2px solid var(--quiet)}
th:first-child,tbody th{text-align:left;font-weight:600}
summary{cursor:pointer;margin:.6em 0}
@media print{details{display:block}body{max-width:none}.scroll{overflow:visible;background:none}}
)css";

} // namespace spmd_bench
