#include "registry/web/pages.h"

namespace strata::web {

std::string_view style_sheet() {
  return R"css(:root {
  color-scheme: light dark;
  --line: #8885;
  --faint: #8881;
  --accent: #0a6cad;
}
@media (prefers-color-scheme: dark) { :root { --accent: #6cb8ec; } }
body {
  overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, sans-serif;
  max-width: 72rem;
  margin: 0 auto;
  padding: 0 1rem 3rem;
}
header { display: flex; gap: 1.5rem; align-items: baseline; border-bottom: 1px solid var(--line); }
header .name { font-size: 1.3rem; font-weight: 600; }
a { color: var(--accent); }
form.search { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.2rem 0; align-items: end; }
form.search label { display: flex; flex-direction: column; font-size: .85rem; }
form.search .words { flex: 1 1 16rem; }
input, select, button { font: inherit; padding: .35rem .5rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
ul.entries { list-style: none; padding: 0; }
ul.entries li { border-bottom: 1px solid var(--line); padding: .8rem 0; }
ul.entries h2 { font-size: 1.1rem; margin: 0; }
.facts { font-size: .9rem; opacity: .85; margin: .2rem 0; overflow-wrap: anywhere; }
.badge { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .6rem; font-size: .8rem; }
.badge.deprecated, .badge.expired, .badge.untrusted { border-color: #c33; color: #c33; }
.badge.valid, .badge.trusted { border-color: #2a7d3a; color: #2a7d3a; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-size: .9rem; opacity: .85; margin: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: normal; }
td { overflow-wrap: anywhere; min-width: 7rem; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
.notice { border-left: 4px solid #c33; padding: .3rem .8rem; background: var(--faint); }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
)css";
}

}  // namespace strata::web
