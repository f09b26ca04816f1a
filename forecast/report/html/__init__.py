"""One page that can be sent to someone: a self-contained HTML file, made from the folder of a run or a comparison.

`content.py` reads the folder, `charts.py` draws, `run.html` and `comparison.html` are the templates.
"""

from forecast.report.html.page import PAGE, make_page

__all__ = ["PAGE", "make_page"]
