"""The files of a comparison: a run of each retriever, the judgments, and the scores of every question."""

import re

from retriever.evaluation.trec import qrels_text, run_text
from retriever.experiments.comparison import RetrieverComparison
from ui.compare.shown.tables import question_rows
from ui.render.export import download_link, downloads, rows_to_csv
from ui.render.html import Html


def download_links(compared: RetrieverComparison) -> Html:
    """Return links to all runs and the judgments in trec_eval's formats, and to the scores as CSV."""
    links = [
        download_link(
            f"{_tag(side.name).replace('/', '_')}.run.txt",
            "text/plain",
            run_text(side.run(compared.k), tag=_tag(side.name)),
            f"run of {side.name}",
        )
        for side in compared.sides
    ]
    links.append(download_link("qrels.txt", "text/plain", qrels_text(compared.sides[0].judged.qrels), "qrels"))
    rows = rows_to_csv(question_rows(compared))
    links.append(download_link("scores.csv", "text/csv", rows, "scores of every question, CSV"))
    return downloads("Download", links)


def _tag(name: str) -> str:
    """Return the name of a retriever without white space, which a run's tag may not hold."""
    return re.sub(r"[\s,]+", "_", name)
