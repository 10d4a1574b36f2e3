//! The same question where each component of each machine is a row.

use super::super::report::{Spread, clock};
use super::fleet::{COMPONENTS, PER_UNIT, VERSIONS};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Executor as _};

/// Machines in the table: 100 million rows would be 6 GB for the whole fleet; each unit has
/// as many machines as there, so that the answer is the same.
pub(super) const MACHINES: usize = 2_000;
/// Runs.
const RUNS: usize = 200;

pub(super) async fn ask() -> anyhow::Result<(Spread, i64)> {
    let folder = tempfile::tempdir()?;
    let options = SqliteConnectOptions::new().filename(folder.path().join("rows.sqlite"));
    let mut rows = options.create_if_missing(true).connect().await?;
    fill(&mut rows).await?;
    let names: Vec<String> = (1..=VERSIONS)
        .map(|version| format!("'{version}'"))
        .collect();
    let (mut runs, mut found) = (Vec::new(), 0);
    for run in 0..RUNS {
        let unit = run % (MACHINES / PER_UNIT);
        let question = format!(
            "SELECT COUNT(DISTINCT i.machine) FROM machines m JOIN installed i ON \
             i.machine = m.number WHERE m.unit = {unit} AND i.name = 'component-0000' AND \
             i.version IN ({})",
            names.join(", ")
        );
        let begun = clock();
        found = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(question))
            .fetch_one(&mut rows)
            .await?;
        runs.push(begun.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(found > 0, "nobody has it");
    }
    Ok((Spread::of(runs)?, found))
}

async fn fill(rows: &mut SqliteConnection) -> anyhow::Result<()> {
    let last = COMPONENTS - 1;
    let statements = [
        "CREATE TABLE machines (number INTEGER PRIMARY KEY, unit INTEGER NOT NULL)".to_owned(),
        "CREATE INDEX of_unit ON machines (unit)".to_owned(),
        "CREATE TABLE installed (machine INTEGER NOT NULL, name TEXT NOT NULL,
            version TEXT NOT NULL, PRIMARY KEY (name, version, machine)) WITHOUT ROWID"
            .to_owned(),
        format!(
            "WITH RECURSIVE m (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM m WHERE n < {})
             INSERT INTO machines SELECT n, n / {PER_UNIT} FROM m",
            MACHINES - 1
        ),
        format!(
            "WITH RECURSIVE c (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c WHERE n < {last})
             INSERT INTO installed SELECT m.number, printf('component-%04d', c.n),
                CASE c.n WHEN 0 THEN m.number % {} + 1 ELSE 1 END
             FROM c CROSS JOIN machines m",
            2 * VERSIONS
        ),
    ];
    for statement in statements {
        rows.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement)))
            .await?;
    }
    Ok(())
}
