"""One training by several processes.

process_group.py  the processes that train together, and their sums
launch.py         the other workers on this machine: started, watched, ended
"""
