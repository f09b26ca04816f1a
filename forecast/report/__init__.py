"""Results on disk and on paper.

writer                the folder of a run: tables, plots, bundles, report.html
comparison_writer     the folder of a comparison
plots/                results as pictures
html/                 the page
"""
