"""The style of the page: a theme with system fonts and one sheet of CSS; nothing is loaded from other hosts."""

import gradio as gr

THEME = gr.themes.Default(
    primary_hue="orange",
    secondary_hue="blue",
    neutral_hue="slate",
    spacing_size="sm",
    text_size="md",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
CSS = """
:root { --exact:#0072B2; --hnsw:#E69F00; --missed:#D55E00; --exact-ink:#005f96;
  --hnsw-ink:#8a5a00; --missed-ink:#a84600; --model-a:#009E73; --model-b:#CC79A7; --model-a-ink:#00775a;
  --model-b-ink:#a3477c; --lost:#7d8590 }
.dark { --exact-ink:#5bb8f0; --hnsw-ink:#f3b73e; --missed-ink:#ff8b4a; --model-a-ink:#2fc79c; --model-b-ink:#e39cc4 }
.gradio-container { max-width:min(1240px, 100vw) !important; margin:0 auto !important; padding:0 14px !important }
.gradio-container > .app { padding:8px 0 !important; width:100%; max-width:100% !important }
.gradio-container, .gradio-container > .app, .app > .wrap, .app main { min-width:0 !important }
.html-container { padding:0 !important }
.column, .row { gap:8px !important }
.lab-title { display:flex; align-items:baseline; gap:14px; flex-wrap:wrap }
.lab-title h1 { font-size:1.25rem; margin:0 }
.lab-title p { margin:0; opacity:.8; font-size:.9rem }
.lab-status { display:flex; flex-wrap:wrap; gap:2px 18px; padding:5px 12px; border-radius:8px;
  background:var(--background-fill-secondary); border:1px solid var(--border-color-primary); font-size:.9rem }
.lab-status i, .lab-card i { font-style:normal; color:var(--body-text-color-subdued) }
.lab-note { font-size:.85rem; padding:2px 12px; color:var(--body-text-color-subdued); min-height:1.5em }
.lab-hint { font-size:.9rem; color:var(--body-text-color-subdued); margin:4px 0 }
.lab-warning { border-left:4px solid var(--missed); padding:4px 10px; margin:6px 0 }
.lab-warning ul { margin:2px 0 2px 18px; list-style:disc }
.lab-lesson { border-left:4px solid var(--exact); padding:4px 10px; min-height:3em }
.lab-progress { height:12px; border-radius:6px; overflow:hidden; background:var(--border-color-primary) }
.lab-progress div { height:100%; background:var(--hnsw); transition:width .2s }
.lab-columns { display:flex; flex-wrap:wrap; gap:8px 28px }
.lab-facts caption { text-align:left; font-weight:600; padding:2px 0 }
.lab-facts th { text-align:left; font-weight:400; padding:1px 14px 1px 0; color:var(--body-text-color-subdued) }
.lab-facts td { font-variant-numeric:tabular-nums }
.prose table.lab-facts, .prose .lab-facts tr, .prose .lab-facts th, .prose .lab-facts td,
.prose table.lab-table, .prose .lab-table tr { border:0 }
.prose .lab-facts th, .prose .lab-facts td { padding:1px 14px 1px 0 }
.prose .lab-table th, .prose .lab-table td { border:0; border-bottom:1px solid var(--border-color-primary);
  padding:3px 10px 3px 4px }
.lab-cards { display:grid; grid-template-columns:1fr 1fr; gap:8px }
.lab-card { border:1px solid var(--border-color-primary); border-radius:8px; padding:6px 10px; display:flex;
  flex-direction:column; background:var(--background-fill-primary); font-variant-numeric:tabular-nums }
.lab-card:first-child { grid-column:1 / -1; border-color:var(--hnsw); border-width:2px }
.lab-card b { font-size:1.35rem; line-height:1.25; color:var(--hnsw-ink) }
.lab-card:first-child b { font-size:2.1rem }
.lab-card small { opacity:.85 }
.lab-exact-text { color:var(--exact-ink) }
.lab-missed-text { color:var(--missed-ink) }
.lab-spread { display:flex; align-items:stretch; gap:4px; height:130px }
.lab-spread > div { flex:1; display:flex; flex-direction:column; justify-content:flex-end; align-items:center;
  font-size:.75rem; font-variant-numeric:tabular-nums }
.lab-spread i { width:100%; background:var(--missed); border-radius:3px 3px 0 0; min-height:1px; flex:0 1 auto }
.lab-spread i.lab-full { background:var(--hnsw) }
.lab-spread small { white-space:nowrap }
.lab-scroll { overflow:auto; max-height:260px }
.lab-tall { max-height:420px }
.lab-table { width:100%; border-collapse:collapse; font-size:.88rem }
.lab-table th { text-align:left; position:sticky; top:0; background:var(--background-fill-secondary) }
.lab-table td, .lab-table th { padding:3px 10px 3px 4px; border-bottom:1px solid var(--border-color-primary);
  vertical-align:top; overflow-wrap:anywhere }
.lab-table td:first-child, .lab-table th:first-child { white-space:nowrap }
.lab-hits { list-style:none; margin:0; padding:0 }
.lab-hits li { border:1px solid var(--border-color-primary); border-left:5px solid var(--exact); border-radius:6px;
  padding:5px 9px; margin:0 0 6px }
.lab-hits.lab-hnsw li { border-left-color:var(--hnsw) }
.lab-hits.lab-exact li.lab-marked { border-color:var(--missed); border-style:dashed; border-left-style:solid }
.lab-hits.lab-hnsw li.lab-marked { border-style:dashed; border-left-style:solid }
.lab-hit-head { display:flex; gap:8px; align-items:baseline; font-size:.9rem }
.lab-hit-head b, .lab-status b, .lab-answers b { overflow-wrap:anywhere }
.lab-hits summary, .lab-answers summary { list-style:none; cursor:pointer; text-decoration:underline dotted;
  text-underline-offset:3px; text-decoration-color:var(--body-text-color-subdued) }
.lab-hits details[open] summary, .lab-answers details[open] summary { display:none }
.lab-answers p { margin:0 }
.lab-hits summary, .lab-hits p { margin:2px 0 0; font-size:.88rem; overflow-wrap:anywhere }
.lab-rank { opacity:.7; min-width:1.3em }
.lab-score { margin-left:auto; font-variant-numeric:tabular-nums }
.lab-tag { font-size:.75rem; padding:0 7px; border-radius:9px; white-space:nowrap; border:1px solid currentColor;
  color:var(--missed-ink) }
.lab-hnsw .lab-tag { color:var(--hnsw-ink) }
.lab-side { font-weight:600; padding:2px 0; display:flex; gap:10px; align-items:baseline; flex-wrap:wrap }
.lab-side.lab-exact { color:var(--exact-ink) } .lab-side.lab-hnsw { color:var(--hnsw-ink) }
.lab-side small { font-weight:400; color:var(--body-text-color) }
.lab-bar { display:flex; height:16px; border-radius:5px; overflow:hidden }
.lab-bar div { min-width:3px }
.lab-part-embed { background:#7d8590 } .lab-part-hnsw { background:var(--hnsw) }
.lab-part-exact { background:var(--exact) }
.lab-legend { display:flex; flex-wrap:wrap; gap:2px 18px; font-size:.88rem; margin-top:3px }
.lab-legend i { display:inline-block; width:11px; height:11px; border-radius:3px; margin-right:6px }
.lab-downloads { display:flex; flex-wrap:wrap; gap:6px 14px; font-size:.9rem; align-items:baseline; margin:4px 0 }
.lab-download { text-decoration:underline; color:var(--exact-ink) }
.lab-record { max-height:320px; overflow:auto; font-size:.78rem; padding:8px; border-radius:6px;
  background:var(--background-fill-secondary) }
.js-plotly-plot text { fill:var(--body-text-color) !important }
.lab-model-a { color:var(--model-a-ink) } .lab-model-b { color:var(--model-b-ink) }
.lab-whole { max-height:none }
.prose .lab-scores th { white-space:normal; overflow-wrap:normal }
.prose .lab-scores th:first-child { min-width:9em }
.prose .lab-scores tr:first-child th { overflow-wrap:anywhere; min-width:6em }
.lab-scores small { display:block; font-weight:400; color:var(--body-text-color-subdued); line-height:1.2 }
.prose .lab-scores td, .prose .lab-scores th { padding:2px 8px 2px 4px; line-height:1.25 }
.lab-remark { font-size:.8rem; color:var(--body-text-color-subdued); margin:0 0 2px }
.lab-scores td { font-variant-numeric:tabular-nums; white-space:nowrap }
.lab-scores th { font-weight:400 } .lab-scores code { font-size:.78rem }
.lab-scores td b { font-weight:400 } .lab-scores td.lab-better b { font-weight:700 }
.lab-distances { margin:0; font-size:.9rem; font-variant-numeric:tabular-nums }
.lab-costs { margin:0 0 4px; line-height:1.3; min-height:2.6em }
.lab-error { margin:0 0 4px; font-size:.84rem }
.lab-errors .lab-bar { height:18px; margin-top:1px }
.lab-kept { background:var(--hnsw) } .lab-index { background:var(--missed) }
.lab-model { background:repeating-linear-gradient(45deg, var(--lost) 0 6px, #a3aab2 6px 9px) }
.lab-question h4 { margin:6px 0 2px; font-size:1.05rem }
.lab-answers { margin:0 0 8px; padding:0; list-style:none; font-size:.88rem }
.lab-answers li { border-left:5px solid var(--model-a); padding:2px 9px; margin:0 0 4px }
.lab-both { display:grid; grid-template-columns:repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap:8px 14px }
.lab-hits.lab-exact li.lab-answer { background:var(--background-fill-secondary); outline:2px solid var(--model-a) }
.lab-hits .lab-tag-answer { color:var(--model-a-ink); font-weight:700 } .lab-hits .lab-tag-plain { color:inherit }
.lab-told, .lab-misses { overflow-wrap:anywhere }
.lab-told { min-height:5.6em }
.lab-misses { margin:0; padding:0; list-style:none; font-size:.9rem; max-height:210px; overflow:auto }
.lab-misses li { border-left:5px solid var(--missed); padding:2px 9px; margin:0 0 5px }
.prose .lab-numbers td { white-space:nowrap; font-variant-numeric:tabular-nums }
.prose .lab-numbers th { white-space:normal; overflow-wrap:normal; vertical-align:bottom }
.lab-four { display:grid; gap:8px; grid-template-columns:repeat(auto-fit, minmax(210px, 1fr)) }
.lab-four .lab-card:first-child { grid-column:auto; border:1px solid var(--border-color-primary) }
.lab-four .lab-card b, .lab-four .lab-card:first-child b { font-size:1.05rem; color:var(--body-text-color) }
.lab-big-slider input[type=range] { height:14px }
@media (max-width:700px) {
  .tab-container button { padding:0 7px; font-size:.85rem }
  .lab-title p, .lab-scores code { display:none }
  .lab-questions table, .lab-questions [role=row] { min-width:640px }
  .lab-hit-head { flex-wrap:wrap } .lab-hit-head b { min-width:70% }
}
"""
