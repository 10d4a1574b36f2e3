//! A fuller database of 0.1.0, on both engines: what stood in it stands in it after every migration
//! since, and today's store reads it.

use super::examples::{NOW, World};
use super::fixtures;
use super::store::{connect, place, wait_for};
use patchward_collector::store::assets::LifeCycle;
use patchward_collector::store::windows::Area;
use patchward_collector::store::{Actor, Place, Store};
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::{Reason, State};
use patchward_common::time::{HOUR_MS, UtcMs};
use patchward_integration_tests::fixture::name;
use patchward_integration_tests::postgres::Postgres;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The machine of the first rows.
const FIRST: MachineId = MachineId([1; 32]);
/// The machine that people work on.
const MANUAL: MachineId = MachineId([3; 32]);

/// The columns of each table, with a sign for what they hold.
type Schema = BTreeMap<String, Vec<(String, Holds)>>;
/// The rows of each table as text, in order.
type Content = BTreeMap<String, Vec<String>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Number,
    Text,
    Bytes,
}

impl Holds {
    fn of(kind: &str) -> Self {
        match kind {
            "INTEGER" | "bigint" => Self::Number,
            "TEXT" | "text" => Self::Text,
            "BLOB" | "bytea" => Self::Bytes,
            other => panic!("no column of ours is {other}"),
        }
    }
}

/// A database, past the store.
enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    async fn open(place: &Place) -> Self {
        match place {
            Place::Sqlite { path, .. } => Self::Sqlite(connect(path).await),
            Place::Postgres { url } => Self::Postgres(PgConnection::connect(url).await.unwrap()),
        }
    }

    async fn run(&mut self, sql: String) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        let ran = match self {
            Self::Sqlite(connection) => sql.execute(connection).await.map(|_| ()),
            Self::Postgres(connection) => sql.execute(connection).await.map(|_| ()),
        };
        ran.unwrap();
    }

    /// The one column of each row.
    async fn texts(&mut self, sql: String) -> Vec<String> {
        let sql = AssertSqlSafe(sql);
        let found: Result<Vec<String>, _> = match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_all(connection).await,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_all(connection).await,
        };
        found.unwrap()
    }

    async fn schema(&mut self) -> Schema {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT m.name || ' ' || c.name || ' ' || c.type
                 FROM sqlite_master m CROSS JOIN pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND m.name <> '_sqlx_migrations' ORDER BY m.name, c.cid"
            }
            Self::Postgres(_) => {
                "SELECT table_name::text || ' ' || column_name::text || ' ' || data_type::text
                 FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'
                 ORDER BY table_name, ordinal_position"
            }
        };
        let mut schema = Schema::new();
        for column in self.texts(sql.to_owned()).await {
            let [table, column, kind] = column.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{column}");
            };
            let columns = schema.entry(table.to_owned()).or_default();
            columns.push((column.to_owned(), Holds::of(kind)));
        }
        schema
    }

    /// A column as text, the same by both engines.
    fn shown(&self, (column, holds): &(String, Holds)) -> String {
        match (self, holds) {
            (Self::Sqlite(_), _) => format!("quote(\"{column}\")"),
            (Self::Postgres(_), Holds::Number) => {
                format!("COALESCE(\"{column}\"::text, 'NULL')")
            }
            (Self::Postgres(_), Holds::Text) => format!("quote_nullable(\"{column}\")"),
            (Self::Postgres(_), Holds::Bytes) => {
                format!("COALESCE('X''' || UPPER(ENCODE(\"{column}\", 'hex')) || '''', 'NULL')")
            }
        }
    }

    /// What stands in these columns.
    async fn content(&mut self, schema: &Schema) -> Content {
        let mut content = Content::new();
        for (table, columns) in schema {
            let columns: Vec<String> = columns.iter().map(|column| self.shown(column)).collect();
            let sql = format!("SELECT {} FROM \"{table}\"", columns.join(" || ', ' || "));
            let mut rows = self.texts(sql).await;
            rows.sort();
            content.insert(table.clone(), rows);
        }
        content
    }
}

fn fixture(file: &str) -> String {
    std::fs::read_to_string(fixtures().join("0.1.0").join(file)).unwrap()
}

/// A database as 0.1.0 left it, in a file.
async fn old_file(place: &Place) {
    let mut database = Database::open(place).await;
    let (store, rows) = (fixture("store.sql"), fixture("rows.sql"));
    // What was dumped comes in by table; what came later has its parents.
    let off = "PRAGMA foreign_keys = OFF";
    let on = "PRAGMA foreign_keys = ON";
    database
        .run(format!("{off};\n{store}\n{on};\n{rows}"))
        .await;
    let broken = database
        .texts("SELECT \"table\" FROM pragma_foreign_key_check".to_owned())
        .await;
    assert!(broken.is_empty(), "{broken:?}");
}

/// The same on a server: the migrations that 0.1.0 had, and the same rows.
async fn old_server(place: &Place, url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/migrations");
    for line in fixture("migrations.txt").lines() {
        let (_, file) = line.split_once("  ").unwrap();
        let from = migrations.join(file);
        if let Some(file) = file.strip_prefix("postgres/") {
            std::fs::copy(from, folder.path().join(file)).unwrap();
        }
    }
    let mut connection = PgConnection::connect(url).await.unwrap();
    let migrator = Migrator::new(PathBuf::from(folder.path())).await.unwrap();
    migrator.run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let both = fixture("store.sql") + &fixture("rows.sql");
    let rows = both.lines().filter(|line| {
        line.starts_with("INSERT INTO ") && !line.starts_with("INSERT INTO _sqlx_migrations ")
    });
    let rows: Vec<String> = rows.map(|line| line.replace("X'", "'\\x")).collect();
    let mut database = Database::open(place).await;
    // The first migration wrote some of what was dumped.
    let made = "DELETE FROM counters; DELETE FROM audit_head; DELETE FROM group_locks;";
    database.run(format!("{made}\n{}", rows.join("\n"))).await;
}

/// What today's store reads of it.
async fn read(store: &Store, world: &World) -> String {
    let (plan, machine) = (world.approval.signed.digest(), world.machine);
    let mut view = store.view().await.unwrap();
    let jobs = view.jobs_of_plan(&plan).await.unwrap();
    let expected = [
        (FIRST, 0, State::Installing),
        (machine, 0, State::Deferred(world.reason())),
        (
            MANUAL,
            1,
            State::Failed(Reason::new("the alarm stayed silent")),
        ),
    ];
    let expected = expected.map(|(machine, wave, state)| (JobId::of(plan, machine), wave, state));
    let found: Vec<_> = jobs
        .iter()
        .map(|job| (job.id, job.wave, job.state.clone()))
        .collect();
    assert_eq!(found, expected);
    let assets = view.assets(None, None, 100).await.unwrap();
    assert_eq!(assets.len(), 3);
    for asset in &assets {
        // What was in use stays so, and counts as accepted since nobody knows when.
        assert_eq!(asset.life_cycle, LifeCycle::InUse);
        assert_eq!(asset.accepted_at, Some(UtcMs(0)), "{}", asset.tag);
    }
    let pack = view.evidence(&world.job).await.unwrap().remove(0);
    let pack = patchward_common::evidence::Pack::from_bytes(&pack.bytes).unwrap();
    assert_eq!(pack.jobs[0].job, world.job);
    [
        format!("{jobs:?}\n{assets:?}"),
        format!("{:?}", view.plans(None).await.unwrap()),
        format!("{:?}", view.plan_policy(&plan).await.unwrap()),
        format!("{:?}", view.due_of(&plan).await.unwrap()),
        format!("{:?}", view.unfit_of(&plan).await.unwrap()),
        format!("{:?}", view.wave_openings(&plan).await.unwrap()),
        format!("{:?}", view.signatures(&plan).await.unwrap()),
        format!("{:?}", view.halts().await.unwrap()),
        format!("{:?}", view.holds(NOW).await.unwrap()),
        format!("{:?}", view.goes_of(&world.job).await.unwrap()),
        format!("{:?}", view.closings().await.unwrap()),
        format!("{:?}", view.machine(&machine).await.unwrap()),
        format!("{:?}", view.machine_status(&machine).await.unwrap()),
        format!("{:?}", view.certificates_of(&machine).await.unwrap()),
        format!("{:?}", view.releases(None).await.unwrap()),
        format!("{:?}", view.windows(None).await.unwrap()),
        format!("{:?}", view.calendars().await.unwrap()),
        format!("{:?}", view.exceptions().await.unwrap()),
        format!("{:?}", view.on_call().await.unwrap()),
        format!("{:?}", view.duties(NOW).await.unwrap()),
        format!("{:?}", view.trainings().await.unwrap()),
        format!("{:?}", view.precedence().await.unwrap()),
        format!("{:?}", view.takers().await.unwrap()),
    ]
    .join("\n")
}

/// Whoever says "not now" today does not end what somebody said to the old collector.
async fn held_by_two(store: &Store) {
    let by = Actor::Person(name("ben"));
    let mut change = store.change(by, NOW).await.unwrap();
    let until = NOW.plus_ms(3 * HOUR_MS);
    let held = change.hold(Area::Unit, "icu-3", until, "a visit");
    held.await.unwrap();
    change.commit().await.unwrap();
    let holds = store.view().await.unwrap().holds(NOW).await.unwrap();
    let of_unit = holds.iter().filter(|hold| hold.subject == "icu-3");
    let mut by: Vec<&str> = of_unit.map(|hold| &*hold.set_by).collect();
    by.sort_unstable();
    assert_eq!(by, ["person:ben", "person:iris"]);
}

#[test]
fn every_row_of_a_fuller_database_is_kept_on_both_engines() {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::shared().unwrap_or_else(|error| panic!("{error}"));
    let url = server.fresh_database().unwrap();
    let file = place(&folder.path().join("collector.db"));
    let on_server = Place::Postgres { url: url.clone() };
    let world = World::new();
    wait_for(async {
        old_file(&file).await;
        old_server(&on_server, &url).await;
        let (mut kept, mut schemas, mut said, mut today) = (vec![], vec![], vec![], vec![]);
        for place in [&file, &on_server] {
            let mut database = Database::open(place).await;
            let schema = database.schema().await;
            let before = database.content(&schema).await;
            drop(database);
            // Opening it migrates it.
            let store = Store::open(place).await.unwrap();
            said.push(read(&store, &world).await);
            let mut database = Database::open(place).await;
            let after = database.content(&schema).await;
            for (table, rows) in &before {
                assert_eq!(&after[table], rows, "{place:?}: {table}");
            }
            // What the migrations wrote themselves.
            let jobs = "SELECT CAST(jobs AS TEXT) FROM plans ORDER BY id";
            assert_eq!(database.texts(jobs.to_owned()).await, ["0", "3"]);
            let new = database.schema().await;
            today.push(database.content(&new).await);
            held_by_two(&store).await;
            store.close().await;
            kept.push(before);
            schemas.push(schema);
        }
        assert_eq!(schemas[0], schemas[1]);
        assert_eq!(kept[0], kept[1]);
        assert_eq!(said[0], said[1]);
        assert_eq!(today[0], today[1]);
        let empty = kept[0].iter().filter(|(_, rows)| rows.is_empty());
        // Only sums of what interlocks said are none of the rows.
        assert!(empty.map(|(table, _)| &**table).eq(["interlock_history"]));
        assert_eq!(today[0]["machine_set_history"].len(), 1);
    });
}
