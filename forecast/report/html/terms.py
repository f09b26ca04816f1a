"""The terms that report and page explain where they stand, in the words of the glossary."""

TERMS = {
    "horizon": "The number of steps that are forecast from each origin.",
    "origin": "The last row that a forecast knows.",
    "median": "The quantile of 50 %: the truth is as likely above as below.",
    "interval": "The range between two quantiles. The 90 % interval goes from the 5 % to the 95 % quantile.",
    "target": "The column that is forecast.",
    "frequency": ("The usual distance between rows, as a pandas offset alias: B sessions, D days, h hours, MS months."),
    "season": "The number of rows after which a pattern repeats: 7 days, 24 and 168 hours, 12 months.",
    "naive": "Each step equals the last known value.",
    "MAE / naive": "MAE over that of the naive forecast: below 1 is better than naive.",
}
