//! The page of a full hospital, over HTTPS as a browser asks it, while its machines say 5,000
//! hellos a second: how long lists, things and whole pages take, and what a large file costs.

mod hellos;

use super::crowd::Crowd;
use super::full;
use super::process_costs::{growth, memory};
use super::report::{Figure, Reach, Report, Spread, clock};
use crate::filled::MACHINES;
use crate::filled::walk::{self, Visited};
use crate::visitor::Visitor;
use anyhow::{Context as _, ensure};
use hellos::{CONNECTIONS, HELLO_EVERY, Hellos};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often each address is asked.
const RUNS: usize = 100;
/// How often somebody asks: 50 times a second, as 500 people do who go on every ten seconds. Without a
/// pause in between one person would keep both cores busy, and wait behind what was done for the page before.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Pages of machines, and as many of assets.
const THINGS: usize = 20;
/// Assets that are asked for alone: an answer is short, and what goes on beside twenty of them is over
/// in three seconds.
const ASSETS: usize = 5 * THINGS;
/// How often each of them is asked: there are many of its kind, and all their runs are one spread.
const RUNS_OF_THING: usize = RUNS / THINGS + 3;
/// How often the file of all machines is fetched.
const FILES: usize = 5;
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
/// An asset alone.
const ASSET: &str = "/list/asset/show?tag=";
/// The pages of assets.
const OF_ASSETS: &str = "/assets/asset/";
/// The pages of machines.
const OF_MACHINES: &str = "/assets/machine/";
const FILE: &str = "/list/machine/list?csv=list";

/// An address, and what its answers took.
struct Asked {
    path: String,
    server_ms: Vec<f64>,
    whole_ms: Vec<f64>,
    kb: f64,
}

/// Everything that was asked for.
struct All {
    lists: Vec<Asked>,
    roll_up: Vec<Asked>,
    /// Each asset alone, as `asset show` tells it.
    assets: Vec<Asked>,
    /// The pages of the same assets: with its machine's jobs, holds and components.
    pages_of_assets: Vec<Asked>,
    pages_of_machines: Vec<Asked>,
    pages: Vec<Asked>,
    file: File,
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
        true => figures(&ask_all(visitor, pid)?),
        false => {
            let asked = ask_each(&mut { visitor }, only, RUNS)?;
            slowest(&asked.iter().collect::<Vec<_>>(), usize::MAX)
        }
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
             {RUNS} times each ({ASSETS} assets, the pages of {THINGS} of them and of as many machines \
             {RUNS_OF_THING} times each), one in {} ms at most, after every page was opened once, while \
             {CONNECTIONS} connections say hello every {} ms; collector, load and browser share \
             the cores",
            ASK_EVERY.as_millis(),
            HELLO_EVERY.as_millis()
        ),
        figures,
    })
}

/// What the file of the machines cost.
struct File {
    rows: usize,
    mb: f64,
    grown_mb: Spread,
    seconds: Spread,
}

fn ask_all(mut visitor: Visitor, pid: u32) -> anyhow::Result<All> {
    let visitor = &mut visitor;
    let visited = walk::pages(visitor, 1)?;
    for page in &visited {
        let status = page.answer.status;
        let is_answered = matches!(status, 200 | 403 | 404);
        ensure!(is_answered, "{}: {status}", page.path);
    }
    let machines = things(visitor, "/list/machine/list", OF_MACHINES, THINGS)?;
    let assets = things(visitor, "/list/asset/list", OF_ASSETS, ASSETS)?;
    let at = |begin: &str, things: &[String]| -> Vec<String> {
        let things = things.iter();
        things.map(|thing| format!("{begin}{thing}")).collect()
    };
    let pages = visited.iter().filter(|page| page.answer.status == 200);
    let pages = pages.map(|Visited { path, .. }| path.clone());
    Ok(All {
        lists: ask_each(visitor, LISTS.map(str::to_owned), RUNS)?,
        roll_up: ask_each(visitor, [ROLL_UP.to_owned()], RUNS)?,
        assets: ask_each(visitor, at(ASSET, &assets), RUNS_OF_THING)?,
        pages_of_assets: ask_each(visitor, at(OF_ASSETS, &assets[..THINGS]), RUNS_OF_THING)?,
        pages_of_machines: ask_each(visitor, at(OF_MACHINES, &machines), RUNS_OF_THING)?,
        pages: ask_each(visitor, pages, RUNS)?,
        file: file(visitor, pid)?,
    })
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
        let mut looks: Vec<(usize, &f64)> = one.server_ms.iter().enumerate().collect();
        looks.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let slowest = looks.iter().take(3);
        let slowest: Vec<String> = slowest
            .map(|(number, ms)| format!("look {number}: {ms:.1}"))
            .collect();
        let slowest = slowest.join(", ");
        eprintln!(
            "{}: {median:.1} ms in the server, {worst:.1} ({slowest})",
            one.path
        );
        asked.push(one);
    }
    Ok(asked)
}

/// Some machines or assets out of [`THINGS`] pages of their list that are far apart; their own pages
/// begin with `begin`.
fn things(
    visitor: &mut Visitor,
    list: &str,
    begin: &str,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    let of_a_page = count / THINGS;
    let mut found = Vec::new();
    for page in 0..THINGS {
        // One of the two lists stands in a report, whose name its own has before it.
        let page = 1 + page * 7;
        let text = visitor.get(&format!("{list}?list.page={page}&list-assets.page={page}"))?;
        let text = text.text();
        let href = format!("href=\"{begin}");
        let links = text.split(&href).skip(1).take(of_a_page);
        let before = found.len();
        found.extend(links.filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
        ensure!(found.len() == before + of_a_page, "a list without things");
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
    let mut due = clock();
    for _ in 0..runs {
        pause_until(due);
        let begun = clock();
        due = begun + ASK_EVERY;
        let answer = visitor.get(&asked.path)?;
        asked.whole_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        let server = answer.server_ms().context("no word of the server's time")?;
        asked.server_ms.push(server);
        asked.kb = asked.kb.max(answer.body.len() as f64 / 1e3);
    }
    Ok(asked)
}

fn pause_until(due: Instant) {
    while let Some(left) = due
        .checked_duration_since(clock())
        .filter(|left| !left.is_zero())
    {
        std::thread::park_timeout(left);
    }
}

fn file(visitor: &mut Visitor, pid: u32) -> anyhow::Result<File> {
    // Once before, so that what is kept for good is there.
    let body = visitor.get(FILE)?.body;
    let (mut grown, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..FILES {
        let begun = clock();
        let (answer, bytes) = growth(pid, || visitor.get(FILE))?;
        answer?;
        seconds.push(begun.elapsed().as_secs_f64());
        grown.push(bytes / 1e6);
    }
    Ok(File {
        rows: walk::rows(&body),
        mb: body.len() as f64 / 1e6,
        grown_mb: Spread::of(grown)?,
        seconds: Spread::of(seconds)?,
    })
}

fn figures(all: &All) -> anyhow::Result<Vec<Figure>> {
    let server = |asked: &Asked| asked.server_ms.clone();
    let whole = |asked: &Asked| asked.whole_ms.clone();
    let things = all.pages_of_assets.iter().chain(&all.pages_of_machines);
    let lists = all.lists.iter().chain(&all.roll_up).chain(&all.assets);
    let pages: Vec<&Asked> = lists.chain(things).chain(&all.pages).collect();
    let mut figures = vec![
        worst(
            "counts and first page of any list, in the server",
            &all.lists.iter().collect::<Vec<_>>(),
            server,
            10.0,
        )?,
        Figure {
            reach: Reach::AtMost(5.0),
            ..of_kind("one asset alone, in the server", &all.assets, server)?
        },
        worst(
            "roll-up by unit, in the server",
            &all.roll_up.iter().collect::<Vec<_>>(),
            server,
            50.0,
        )?,
        worst("any page, whole", &pages, whole, 100.0)?,
        of_kind(
            "the page of an asset with its machine, in the server",
            &all.pages_of_assets,
            server,
        )?,
        of_kind(
            "the page of a machine, in the server",
            &all.pages_of_machines,
            server,
        )?,
    ];
    let largest = pages.iter().max_by(|a, b| a.kb.total_cmp(&b.kb));
    let largest = largest.context("no page")?;
    figures.push(Figure {
        text: format!("{:.0} KB; {}", largest.kb, largest.path),
        ..Figure::one("largest page", "KB", largest.kb, Reach::AtMost(MOST_KB))
    });
    figures.extend(slowest(&pages, 6)?);
    let File {
        rows,
        mb,
        grown_mb,
        seconds,
    } = &all.file;
    let (least, most) = (grown_mb.at(0.0), grown_mb.at(1.0));
    let text = format!(
        "{:.1} MB ({least:.1} to {most:.1}, {FILES} runs); {rows} rows, {mb:.1} MB in {:.1} s",
        grown_mb.median(),
        seconds.median(),
    );
    figures.push(Figure {
        text,
        ..Figure::one(
            "memory for a file of all machines",
            "MB",
            grown_mb.median(),
            Reach::AtMost(32.0),
        )
    });
    Ok(figures)
}

/// The 99th percentiles of so many addresses, the slowest first.
fn slowest(asked: &[&Asked], most: usize) -> anyhow::Result<Vec<Figure>> {
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
fn of_kind(what: &str, asked: &[Asked], of: impl Fn(&Asked) -> Vec<f64>) -> anyhow::Result<Figure> {
    let all = Spread::of(asked.iter().flat_map(of))?;
    let (ms, most) = (all.at(0.99), all.at(1.0));
    let median = all.median();
    Ok(Figure {
        text: format!("{ms:.1} ms; median {median:.1} ms, at most {most:.1} ms"),
        ..Figure::one(&format!("{what}, 99th percentile"), "ms", ms, Reach::Shown)
    })
}
