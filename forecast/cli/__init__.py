"""The command line: parse, one library call, print.

main        the program: its commands, exit statuses and how errors are shown
options     options made from the fields of the configuration
progress    bars and lines on standard error
commands/   one file a command
tables/     results as tables on standard output
"""
