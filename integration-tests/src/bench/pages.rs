//! The page of a full hospital, over HTTPS as a browser asks it, while its machines say 5,000
//! hellos a second: how long lists, things and whole pages take, and what a large file costs.

use super::crowd::{Crowd, Member};
use super::full;
use super::process_costs::{forget_peak, memory, peak};
use super::report::{Figure, Reach, Report, Spread, clock};
use crate::filled::MACHINES;
use crate::filled::walk::{self, Visited};
use crate::visitor::Visitor;
use anyhow::{Context as _, ensure};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// Connections that say hello; a large hospital's are 50,000, each of which says one in ten
/// seconds where machines are awake.
const CONNECTIONS: usize = 500;
/// How often each of them does: 5,000 a second by all.
const HELLO_EVERY: Duration = Duration::from_millis(100);
/// How often each address is asked.
const RUNS: usize = 100;
/// Addresses of things: as many machines and assets.
const THINGS: usize = 20;
/// How often each of them is asked: there are many of its kind, and all their runs are one spread.
const RUNS_OF_THING: usize = RUNS / THINGS + 3;
/// Largest page, before it is packed.
const MOST_KB: f64 = 150.0;

/// Every list that grows with the hospital, its counts and its first page.
const LISTS: [&str; 16] = [
    "/list/machine/list",
    "/list/asset/list",
    "/list/job/list",
    "/list/audit/list",
    "/list/today",
    "/list/item/list",
    "/list/exposure/list",
    "/list/advisory/matches",
    "/list/asset/gaps",
    "/list/asset/drift",
    "/list/device/list",
    "/list/plan/list",
    "/list/unit/list",
    "/list/group/list",
    "/list/window/list",
    "/list/hold/list",
];
const ROLL_UP: &str = "/list/exposure/list?by=unit";
const FILE: &str = "/list/machine/list?csv=list";

/// What was asked for, and what it took.
struct Asked {
    path: String,
    server_ms: Vec<f64>,
    whole_ms: Vec<f64>,
    kb: f64,
}

/// Fills a hospital of so many machines, or takes one that was filled before; serves it, and
/// asks: for all of it, or for `only` some addresses.
pub async fn run(
    machines: usize,
    advisories: &Path,
    hospital: Option<&Path>,
    only: Vec<String>,
) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let begun = clock();
    let served = full::served(folder.path(), machines, advisories, hospital).await?;
    let filled = begun.elapsed().as_secs_f64();
    let mut crowd = Crowd::at(&served.folder, served.ports.machines, "icu-1", CONNECTIONS).await?;
    crowd.connect().await?;
    let hellos = Hellos::begin(crowd);
    let visitor = served.admin()?;
    let pid = served.collector.pid();
    let asked = tokio::task::spawn_blocking(move || match only.is_empty() {
        true => {
            let (asked, file) = ask_all(visitor, pid)?;
            figures(&asked, &file)
        }
        false => slowest(&ask_each(&mut { visitor }, only, RUNS)?, usize::MAX),
    });
    let mut figures = asked.await??;
    let a_second = hellos.end().await?;
    let rss = memory(pid)?.rss / 1_048_576.0;
    figures.push(Figure::one(
        "hellos meanwhile",
        "/s",
        a_second,
        Reach::Shown,
    ));
    figures.push(Figure::one("collector's memory", "MiB", rss, Reach::Shown));
    figures.push(Figure::one(
        "filling the hospital",
        "s",
        filled,
        match machines >= MACHINES && hospital.is_none() {
            true => Reach::AtMost(300.0),
            false => Reach::Shown,
        },
    ));
    Ok(Report {
        word: "pages",
        work: format!(
            "{machines} machines with two years of history (`fill`), served, and asked over HTTPS \
             by one person {RUNS} times each ({THINGS} machines and as many assets {RUNS_OF_THING} \
             times each), after every page was opened once, while {CONNECTIONS} connections say hello \
             every {} ms; collector, load and browser share the cores",
            HELLO_EVERY.as_millis()
        ),
        figures,
    })
}

/// What the file of the machines cost.
struct File {
    rows: usize,
    mb: f64,
    grown_mb: f64,
    seconds: f64,
}

fn ask_all(mut visitor: Visitor, pid: u32) -> anyhow::Result<(Vec<Asked>, File)> {
    let visited = walk::pages(&mut visitor, 1)?;
    for page in &visited {
        let status = page.answer.status;
        let is_answered = matches!(status, 200 | 403 | 404);
        ensure!(is_answered, "{}: {status}", page.path);
    }
    let things = things(&mut visitor)?;
    let lists = LISTS.iter().map(|path| (*path).to_owned());
    let pages = visited.iter().filter(|page| page.answer.status == 200);
    let pages = pages.map(|Visited { path, .. }| path.clone());
    let lists = lists.chain([ROLL_UP.to_owned()]);
    let mut asked = ask_each(&mut visitor, lists, RUNS)?;
    asked.extend(ask_each(&mut visitor, things, RUNS_OF_THING)?);
    asked.extend(ask_each(&mut visitor, pages, RUNS)?);
    Ok((asked, file(&mut visitor, pid)?))
}

fn ask_each(
    visitor: &mut Visitor,
    paths: impl IntoIterator<Item = String>,
    runs: usize,
) -> anyhow::Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for path in paths {
        let one = ask(visitor, path, runs)?;
        let server = Spread::of(one.server_ms.clone())?;
        let (median, worst) = (server.median(), server.at(0.99));
        eprintln!("{}: {median:.1} ms in the server, {worst:.1}", one.path);
        asked.push(one);
    }
    Ok(asked)
}

/// Some machines and assets, far apart in their lists.
fn things(visitor: &mut Visitor) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for (list, begin) in [
        ("/list/machine/list", "/assets/machine/"),
        ("/list/asset/list", "/assets/asset/"),
    ] {
        for page in 0..THINGS {
            // One of the two lists stands in a report, whose name its own has before it.
            let page = 1 + page * 7;
            let text = visitor.get(&format!("{list}?list.page={page}&list-assets.page={page}"))?;
            let text = text.text();
            let href = format!("href=\"{begin}");
            let mut links = text.split(&href).skip(1);
            let thing = links.next().and_then(|rest| rest.split('"').next());
            found.push(format!(
                "{begin}{}",
                thing.context("a list without things")?
            ));
        }
    }
    Ok(found)
}

fn ask(visitor: &mut Visitor, path: String, runs: usize) -> anyhow::Result<Asked> {
    let mut asked = Asked {
        path,
        server_ms: Vec::new(),
        whole_ms: Vec::new(),
        kb: 0.0,
    };
    for _ in 0..runs {
        let begun = clock();
        let answer = visitor.get(&asked.path)?;
        asked.whole_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        let server = answer.server_ms().context("no word of the server's time")?;
        asked.server_ms.push(server);
        asked.kb = asked.kb.max(answer.body.len() as f64 / 1e3);
    }
    Ok(asked)
}

fn file(visitor: &mut Visitor, pid: u32) -> anyhow::Result<File> {
    // Once before, so that what is kept for good is there.
    visitor.get(FILE)?;
    let before = memory(pid)?.rss;
    forget_peak(pid)?;
    let begun = clock();
    let answer = visitor.get(FILE)?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(File {
        rows: walk::rows(&answer.body),
        mb: answer.body.len() as f64 / 1e6,
        grown_mb: (peak(pid)? as f64 - before).max(0.0) / 1e6,
        seconds,
    })
}

fn figures(asked: &[Asked], file: &File) -> anyhow::Result<Vec<Figure>> {
    let of = |is: &dyn Fn(&Asked) -> bool| -> Vec<&Asked> {
        asked.iter().filter(|asked| is(asked)).collect()
    };
    let lists = of(&|asked| LISTS.contains(&asked.path.as_str()));
    let is_thing = |asked: &Asked| asked.server_ms.len() == RUNS_OF_THING;
    let things =
        |begin: &'static str| of(&|asked| is_thing(asked) && asked.path.starts_with(begin));
    let (assets, machines) = (things("/assets/asset/"), things("/assets/machine/"));
    let roll_up = of(&|asked| asked.path == ROLL_UP);
    let everything = of(&|_| true);
    let server = |asked: &Asked| asked.server_ms.clone();
    let whole = |asked: &Asked| asked.whole_ms.clone();
    let mut figures = vec![
        worst(
            "counts and first page of any list, in the server",
            &lists,
            server,
            10.0,
        )?,
        Figure {
            reach: Reach::AtMost(5.0),
            ..of_kind("one asset, in the server", &assets, server)?
        },
        of_kind("one machine, in the server", &machines, server)?,
        worst("roll-up by unit, in the server", &roll_up, server, 50.0)?,
        worst("any page, whole", &everything, whole, 100.0)?,
    ];
    let largest = everything.iter().max_by(|a, b| a.kb.total_cmp(&b.kb));
    let largest = largest.context("no page")?;
    figures.push(Figure {
        text: format!("{:.0} KB; {}", largest.kb, largest.path),
        ..Figure::one("largest page", "KB", largest.kb, Reach::AtMost(MOST_KB))
    });
    figures.extend(slowest(asked, 6)?);
    let text = format!(
        "{:.1} MB; {} rows, {:.1} MB in {:.1} s",
        file.grown_mb, file.rows, file.mb, file.seconds
    );
    figures.push(Figure {
        text,
        ..Figure::one(
            "memory for a file of all machines",
            "MB",
            file.grown_mb,
            Reach::AtMost(32.0),
        )
    });
    Ok(figures)
}

/// The 99th percentiles of so many addresses, the slowest first.
fn slowest(asked: &[Asked], most: usize) -> anyhow::Result<Vec<Figure>> {
    let mut slow = Vec::new();
    for one in asked {
        slow.push((Spread::of(one.whole_ms.clone())?.at(0.99), &one.path));
    }
    slow.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let figure = |(ms, path): (f64, &String)| {
        let what = format!("  {}", path.chars().take(50).collect::<String>());
        Figure::one(&what, "ms", ms, Reach::Shown)
    };
    Ok(slow.into_iter().take(most).map(figure).collect())
}

/// The 99th percentile of the slowest of some addresses.
fn worst(
    what: &str,
    asked: &[&Asked],
    of: impl Fn(&Asked) -> Vec<f64>,
    limit: f64,
) -> anyhow::Result<Figure> {
    let mut worst: Option<(f64, &str)> = None;
    let all = Spread::of(asked.iter().flat_map(|asked| of(asked)))?;
    for asked in asked {
        let p99 = Spread::of(of(asked))?.at(0.99);
        if worst.is_none_or(|(ms, _)| p99 > ms) {
            worst = Some((p99, &asked.path));
        }
    }
    let (ms, path) = worst.context("nothing was asked")?;
    Ok(Figure {
        text: format!("{ms:.1} ms; median of all {:.1} ms, {path}", all.median()),
        ..Figure::one(
            &format!("{what}, 99th percentile"),
            "ms",
            ms,
            Reach::AtMost(limit),
        )
    })
}

/// The 99th percentile of all runs of many things of one kind.
fn of_kind(
    what: &str,
    asked: &[&Asked],
    of: impl Fn(&Asked) -> Vec<f64>,
) -> anyhow::Result<Figure> {
    let all = Spread::of(asked.iter().flat_map(|asked| of(asked)))?;
    let (ms, most) = (all.at(0.99), all.at(1.0));
    let median = all.median();
    Ok(Figure {
        text: format!("{ms:.1} ms; median {median:.1} ms, at most {most:.1} ms"),
        ..Figure::one(&format!("{what}, 99th percentile"), "ms", ms, Reach::Shown)
    })
}

/// Machines that say hello until they are told to end.
struct Hellos {
    running: JoinSet<anyhow::Result<()>>,
    ends: Arc<AtomicBool>,
    said: Arc<AtomicUsize>,
    begun: std::time::Instant,
}

impl Hellos {
    fn begin(crowd: Crowd) -> Self {
        let (ends, said) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut running = JoinSet::new();
        for (number, member) in crowd.members.into_iter().enumerate() {
            let offset = HELLO_EVERY.mul_f64(number as f64 / CONNECTIONS as f64);
            running.spawn(say(member, offset, Arc::clone(&ends), Arc::clone(&said)));
        }
        Self {
            running,
            ends,
            said,
            begun: clock(),
        }
    }

    /// Ends them; gives back how many a second there were.
    async fn end(mut self) -> anyhow::Result<f64> {
        let a_second =
            self.said.load(Ordering::Relaxed) as f64 / self.begun.elapsed().as_secs_f64();
        self.ends.store(true, Ordering::Relaxed);
        while let Some(ended) = self.running.join_next().await {
            ended??;
        }
        Ok(a_second)
    }
}

async fn say(
    mut member: Member,
    offset: Duration,
    ends: Arc<AtomicBool>,
    said: Arc<AtomicUsize>,
) -> anyhow::Result<()> {
    let mut timer = tokio::time::interval_at((clock() + offset).into(), HELLO_EVERY);
    // Where the computer is too slow fewer are said, and the report says how many.
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !ends.load(Ordering::Relaxed) {
        timer.tick().await;
        member.say_hello().await?;
        said.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
