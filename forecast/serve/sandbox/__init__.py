"""Processes in which what a user sent is read and forecast, with limits of memory and time.

    server ── a socket, passed ── zygote ── fork ── child: one task, one answer, and its end

zygote  the process that has loaded everything and forks a child for each task
client  the server's side: asks, waits, and says what ended a child
"""
