"""The command line: parse, one library call, print.

main           the program: its commands, exit statuses and how errors are shown
options        options made from the fields of the configuration
help           --help in groups
progress       a bar and lines on standard error
json_output    --json: one document on standard output
commands/      one file a command, and what they share
tables/        results as tables on standard output
"""
