"""The style sheet of `rewriting.html`: light and dark, for a desk and for a phone."""

STYLE = """\
:root { color-scheme: light dark; --line: #d0d7de; --quiet: #57606a; --good: #2da44e; --bad: #cf222e;
  --old: #ffebe9; --new: #dafbe1; --old-part: #ffc1ba; --new-part: #9be9a8; --none: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3d444d; --quiet: #9198a1; --old: #3b1f22; --new: #14301d; --old-part: #7a2d31; --new-part: #1f6b35;
    --none: #16191d; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 16px; overflow-wrap: anywhere; }
h1 { font-size: 1.6em; line-height: 1.25; }
h3 { margin: 2em 0 0; font-size: 1.05em; }
.note { margin: 0 0 .5em; color: var(--quiet); font-size: .85em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9em; }
th, td { padding: 3px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
.scroll td, .scroll th { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.bars { width: 100%; }
.bars th { font-weight: normal; width: 1%; white-space: nowrap; }
.bars td { width: 1%; white-space: nowrap; }
.bars .bar { width: 97%; }
.bar div { height: 1.1em; min-width: 1px; margin-top: .2em; }
.good { background: var(--good); }
.bad { background: var(--bad); }
.diff { width: 100%; table-layout: fixed; font: 12px/1.45 ui-monospace, monospace; border: 1px solid var(--line); }
.diff td { padding: 0 6px; border: 0; text-align: left; white-space: pre-wrap; overflow: hidden; }
.diff .number { width: 3.6em; color: var(--quiet); text-align: right; user-select: none; }
.diff .none { background: var(--none); }
.changed .del { background: var(--old); }
.changed .ins { background: var(--new); }
del, ins { text-decoration: none; }
del { background: var(--old-part); }
ins { background: var(--new-part); }
@media (max-width: 720px) {
  main { padding: 10px; }
  th, td { padding: 3px 6px; }
  .diff, .diff tbody { display: block; }
  .diff colgroup { display: none; }
  .diff tr { display: grid; grid-template-columns: 3.6em minmax(0, 1fr); }
  .diff .number { width: auto; }
  .diff .none, .same td:nth-child(n+3) { display: none; }
}
"""
