"""`python -m backend`: how the add-on starts the backend, which has no console scripts there."""

from backend.cli import main

if __name__ == "__main__":
    main()
