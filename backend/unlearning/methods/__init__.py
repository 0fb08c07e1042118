"""One file an unlearning method, which is one by being here: see `docs/extending.md`."""
