"""The commands, one file each: parse, one library call, print.

Beside them: `inputs`, what they do before their work; `predictions`, what predict makes of its sources; `workers`, the
processes of a training.
"""
