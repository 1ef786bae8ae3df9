"""Exit codes of all commands."""

SUCCESS = 0
FAILURE = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
