"""The page and the interface for programs: `forecast serve`, a server on this machine.

    browser, program ── app ── handlers/ ──┬── answers (numpy, saved models)
                                           ├── sandbox/: files are read, first answers made
                                           └── jobs/: trainings, a process each

settings    what a server is started with
server      listens, answers, runs the queue, ends
app         the table of routes
security    who may ask; headers
problems    errors as problem details
state       what the routes share
workspace   the folder that is served
requests    what requests ask for, checked
answers     series, forecasts and past forecasts as JSON values
page        the page as HTML
openapi     the document of the interface
schemas     its schemas
metrics     counts for Prometheus
logs        what a server tells of itself
handlers/   the routes
sandbox/    processes with limits, in which what a user sent is read
jobs/       trainings in a queue
"""
