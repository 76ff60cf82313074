"""The page of docs/reference with the last long run of each soak."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.report import machine
from tests.soak.figures import Figure, as_text

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "soaks.md"
_HEAD = """<!-- each table is written by `python -m tests.soak NAME --write` -->
# Soaks

The last long run of each soak that was written down, with its day, machine and seed. A short form of each is in `make
test-all`; `make soak NAME=kill SEED=7` runs one again. Times are of that machine and of what else ran on it (its load
average stands beside it).

Every night: a line of `crontab`. The seed is another one each time and stands in what is printed; a target that was
missed makes the exit status other than 0, and then cron mails the run.

```text
30 2 * * *  cd /srv/cds-service && nice make -s soak NAME="charts synthea" > ~/soak.log 2>&1 || cat ~/soak.log
```
"""


def write(name: str, seed: int, does: str, figures: Sequence[Figure]) -> None:
    """Put the table of one run in the place of the one before; `does` says in a sentence what was run."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else _HEAD
    sections = {each.partition("\n")[0]: each for each in text.split("\n## ")[1:]}
    on = machine()
    where = f"{on['cpu']}, {on['cores']} cores, Python {on['python']}, {on['date']}"
    head = f"{where}; load average {on['load']}"
    table = as_text(f"{head}\npython -m tests.soak {name} --seed {seed}\n", figures)
    sections[name] = f"{name}\n\n{does}\n\n```text\n{table}\n```\n"
    kept = "".join(f"\n## {sections[each]}" for each in sorted(sections))
    PAGE.write_text(text.split("\n## ")[0] + kept, "utf-8")
