"""A row for each component of each machine, and the question over them. Arguments: file,
machines, machines of a unit, components, versions asked for, runs. Prints how many machines
were found, then the milliseconds of each run."""

import sqlite3
import sys
import time

path = sys.argv[1]
machines, per_unit, components, versions, runs = map(int, sys.argv[2:])
rows = sqlite3.connect(path)
rows.execute("CREATE TABLE machines (number INTEGER PRIMARY KEY, unit INTEGER NOT NULL)")
rows.execute("CREATE INDEX of_unit ON machines (unit)")
rows.execute(
    "CREATE TABLE installed (machine INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,"
    " PRIMARY KEY (name, version, machine)) WITHOUT ROWID"
)
rows.executemany(
    "INSERT INTO machines VALUES (?, ?)", ((n, n // per_unit) for n in range(machines))
)
for component in range(components):
    version = (lambda n: n % (2 * versions) + 1) if component == 0 else (lambda n: 1)
    name = f"component-{component:04}"
    rows.executemany(
        "INSERT INTO installed VALUES (?, ?, ?)",
        ((n, name, str(version(n))) for n in range(machines)),
    )
rows.commit()
wanted = [str(version) for version in range(1, versions + 1)]
question = (
    "SELECT COUNT(DISTINCT i.machine) FROM machines m JOIN installed i ON i.machine = m.number"
    " WHERE m.unit = ? AND i.name = 'component-0000' AND i.version IN"
    f" ({', '.join('?' * versions)})"
)
taken = []
for run in range(runs):
    begun = time.perf_counter()
    (found,) = rows.execute(question, [run % (machines // per_unit), *wanted]).fetchone()
    taken.append((time.perf_counter() - begun) * 1e3)
print(found)
for one in taken:
    print(one)
