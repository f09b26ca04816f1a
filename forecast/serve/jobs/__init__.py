"""Trainings as processes of their own, in a queue with a bound; a restart forgets none.

store   jobs and their events in SQLite, the one place that all processes of the server share
queue   starts what waits, passes on what the workers say, and ends what is to be stopped
worker  the process of one job
"""
