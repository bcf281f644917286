.PHONY: setup lint test docs

setup:
	python -m venv .venv
	.venv/bin/pip install -e '.[dev,docs]'

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test:
	.venv/bin/pytest

docs:
	.venv/bin/mkdocs build --strict
