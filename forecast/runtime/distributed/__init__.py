"""One training by several processes.

process_group   the processes that train together, and their sums
launch          the other workers on this machine: started, watched, ended
"""
