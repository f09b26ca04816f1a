"""The routes, a module for each kind of thing; `app.py` has the table.

base       what all routes share: checks, bodies with a bound, problems
page       the page and its assets
series     series that are sent, and their history
forecasts  forecasts at once and from saved models, one or a thousand; past forecasts
jobs       trainings, and their events
models     saved models, what was deleted
runs       runs and their files
inference  the Open Inference Protocol, version 2
service    health, metrics, the OpenAPI document
"""
