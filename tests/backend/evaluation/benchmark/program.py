"""`backend` with the tiny protocol, as a program of its own that a test can kill."""

from tiny import register

from backend.cli import main

if __name__ == "__main__":
    register()
    main()
