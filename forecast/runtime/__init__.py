"""The machine under the package: files, processes, devices. Nothing here knows of series or models.

atomic        files and folders that are replaced as a whole or not at all
blas          threads of matrix products
devices       how Keras uses this machine
garbage       how often Python looks for garbage
json_values   values that JSON can hold
lifeline      processes that end with their parent, signals that end a command
names         names that others gave, in file names, on a terminal and in tables
resume_key    keys under which finished work is found again
unpacking     packed files, unpacked no further than a bound
versions      versions of the libraries
parallel/     many jobs side by side: local processes, Ray
distributed/  one training by several processes
"""
