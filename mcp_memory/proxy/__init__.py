"""The stdio proxy: a thin process that a client starts, and that passes lines to the daemon.

Only the standard library is on its path, and of that as little as can be: it has to answer
within milliseconds, and many of them run beside each other.
"""
