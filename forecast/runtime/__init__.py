"""The machine under the package: files, processes, devices. Nothing here knows of series or models.

atomic.py       files and folders that are replaced as a whole or not at all
devices.py      how Keras uses this machine
json_values.py  values that JSON can hold
names.py        file names made from names of series
resume_key.py   keys under which finished work is found again
versions.py     versions of the libraries
parallel/       many jobs side by side: local processes, Ray
distributed/    one training by several processes
"""
