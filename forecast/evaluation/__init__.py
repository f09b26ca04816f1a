"""Is it any good? Tests on rows that no model saw, scores, verdicts.

holdout          one test on the last rows: `Experiment`
walk_forward/    tests at many cutoffs, over many series: `Comparison`
zero_shot_plan   how a series is split for a forecast at once and its test
zero_shot        a forecast at once, by the network that comes with the package, with its test
train_all        the models of a plan, trained and tested; networks in processes beside
run_plan         which models run on which rows of a series, and what is said before
joint            several columns that one network forecasts at once: `JointExperiment`
tasks            values or directions: which models can, how they are tested, scored and judged
scores           errors, coverage and distribution of forecasts of values
risk             value at risk and expected shortfall of prices, and their tests
direction        scores, reliability and verdicts of probabilities
columns          header, format and meaning of each score, for all tables
verdicts         better than naive beyond luck?
bottom_line      what to use, in one sentence; what holds for several models, once
lag_detector     does a forecast only follow the last value?
leakage          the audit: do forecasts change with rows that they must not know?
update           did an update help?
follow_up        did a forecast keep what it promised, now that its dates have come?
given_forecasts  tables of forecasts that others made, in one form
given_backtests  those forecasts at the rows of a series, beside baselines
score_forecasts  the same test of them: `Judgement`
"""
