"""The machine under the package: files, processes, devices. Nothing here knows of series or models.

atomic        files and folders that are replaced as a whole or not at all
devices       how Keras uses this machine
json_values   values that JSON can hold
names         file names made from names of series
resume_key    keys under which finished work is found again
versions      versions of the libraries
parallel/     many jobs side by side: local processes, Ray
distributed/  one training by several processes
"""
