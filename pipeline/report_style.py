"""The style sheet of `report.html`: light and dark, for a desk and for a phone."""

STYLE = """\
:root { color-scheme: light dark; --text: #1f2328; --quiet: #59636e; --line: #dde2e7; --soft: #f5f7f9; --bar: #4a78a8;
  --out: #c4553c; --warn: #b7791f; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #dfe5ec; --quiet: #939daa; --line: #30363d; --soft: #191e25; --bar: #5b8dc0; --out: #d0694f;
    --warn: #d29922; --back: #0f1318; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 80px; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.9em; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 0 0 .6em; font-size: 1.3em; line-height: 1.3; }
h3 { margin: 2em 0 .5em; font-size: 1em; }
p { max-width: 46em; margin: 0 0 1em; }
section { padding: 2.2em 0 0; margin: 2.2em 0 0; border-top: 1px solid var(--line); }
.note { color: var(--quiet); font-size: .84em; line-height: 1.45; }
nav { display: flex; flex-wrap: wrap; gap: .2em 1.2em; margin-top: 1.4em; font-size: .9em; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .25em; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; margin: 1.6em 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.facts div { padding: 12px 16px; background: var(--back); }
.facts dt { color: var(--quiet); font-size: .84em; }
.facts dd { margin: 0; font-size: 1.35em; font-variant-numeric: tabular-nums; }
.warnings { margin: 0; padding: 0; list-style: none; }
.warnings li { margin: 0 0 .5em; padding: .5em .9em; max-width: 60em; border-left: 3px solid var(--warn);
  background: var(--soft); }
.scroll { overflow-x: auto; margin: 0 0 1.2em; }
table { border-collapse: collapse; overflow-wrap: break-word; font-size: .875em; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 20px 5px 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top;
  white-space: nowrap; }
th { max-width: 8.5em; color: var(--quiet); font-weight: 500; vertical-align: bottom; white-space: normal; }
td:last-child, th:last-child { padding-right: 4px; }
.t1 :is(td, th):first-child, .t2 :is(td, th):nth-child(-n+2), .t3 :is(td, th):nth-child(-n+3),
.t4 :is(td, th):nth-child(-n+4) { text-align: left; white-space: normal; min-width: 4.5em; }
.t1 td:first-child { min-width: 9em; }
.bar { width: 180px; min-width: 120px; }
.bar div { height: 10px; margin-top: .42em; min-width: 1px; background: var(--bar); border-radius: 1px; }
details { margin: -.4em 0 1.2em; }
summary { color: var(--quiet); font-size: .875em; cursor: pointer; }
details .scroll { margin-top: .6em; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 0 28px; }
figure { display: grid; grid-row: span 3; grid-template-rows: subgrid; margin: 0; min-width: 0; }
figure svg { display: block; width: 100%; max-width: 372px; height: auto; }
figure .note { margin: .2em 0 1.9em; }
figcaption { align-self: end; margin-bottom: .3em; font-size: .9em; font-weight: 600; line-height: 1.35; }
figcaption span { color: var(--quiet); font-weight: 400; }
pre { margin: .3em 0 0; padding: 10px 12px; max-height: 15em; overflow: auto; background: var(--soft);
  border-radius: 4px; font: 12px/1.5 ui-monospace, monospace; }
.family { margin: 0 0 1.2em; }
.family p { margin: 0; max-width: none; }
@media (max-width: 720px) {
  main { padding: 22px 14px 48px; }
  h1 { font-size: 1.5em; }
  th, td { padding-right: 14px; }
  td.bar { display: none; }
}
"""
