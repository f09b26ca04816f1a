"""Results on disk and on paper.

writer                the folder of a run: tables, plots, bundles, report.html
joint_writer          the folder of a run on several targets
comparison_writer     the folder of a comparison
plots/                results as pictures
html/                 the page
"""
