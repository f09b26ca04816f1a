"""The report: one self-contained HTML page, made from the folder of a run or a comparison.

    page       fill a template and write the file
    content    read the tables and pictures of a folder
    charts     the two interactive charts, in Bokeh
    terms      what the page explains where it stands

Templates: `frame.html` is around all; `run.html`, `direction.html` and `comparison.html` fill it, with
`scores.html`, `data.html` and `foot.html` as the parts that runs have in common. `static/` holds style and scripts,
which the page of `forecast serve` has too.
"""

from forecast.report.html.page import PAGE, make_page

__all__ = ["PAGE", "make_page"]
