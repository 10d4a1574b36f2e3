//! What others cost for the same: programs that Debian has, measured on the same machine
//! and in the same way as ours. Nothing is asked of them; they stand beside our figures.

pub mod mqtt;

use super::process_costs::{Processor, memory};
use super::report::{Figure, Reach, Report, Spread, clock};
use crate::process::Daemon;
use anyhow::{Context as _, bail, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Each peer: the file that shows that it is there, and the Debian package.
const NEEDS: [(&str, &str); 4] = [
    ("/usr/sbin/zabbix_agent2", "zabbix-agent2"),
    ("/usr/sbin/zabbix_agentd", "zabbix-agent"),
    (
        "/usr/bin/fusioninventory-inventory",
        "fusioninventory-agent",
    ),
    ("/usr/sbin/mosquitto", "mosquitto"),
];
/// Bytes of a MB.
const MB: f64 = 1e6;
/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;
/// After an agent's start.
const SETTLING_SECONDS: usize = 30;
/// Runs of each inventory.
const RUNS: usize = 21;
/// Connections to the broker: as many as in our smaller fleet.
const SUBSCRIBERS: usize = 5_000;
/// Messages to all of them; the first one is left out.
const MESSAGES: usize = 6;
/// About as long as a signed stop.
const MESSAGE_BYTES: usize = 300;

/// Small packets leave at once.
pub fn small(stream: TcpStream) -> anyhow::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Measures all of them; agents are watched for `seconds`.
pub async fn run(seconds: usize) -> anyhow::Result<Report> {
    let is_missing = |(file, _): &&(&str, &str)| !Path::new(file).exists();
    let missing: Vec<&str> = NEEDS.iter().filter(is_missing).map(|need| need.1).collect();
    if !missing.is_empty() {
        bail!("peers are missing; apt-get install {}", missing.join(" "));
    }
    let folder = tempfile::tempdir()?;
    let mut figures = zabbix(folder.path(), seconds).await?;
    figures.extend(inventories(folder.path())?);
    figures.extend(broker(folder.path()).await?);
    Ok(Report {
        word: "peers",
        work: format!(
            "zabbix_agent2 with nothing asked of it, watched for {seconds} s; whole processes that \
             print an inventory of this computer, in turns; mosquitto over plain TCP with \
             {SUBSCRIBERS} subscribers and {MESSAGES} messages of {MESSAGE_BYTES} bytes, each sent \
             to all of them with QoS 1"
        ),
        figures,
    })
}

/// A free port that Zabbix accepts: it takes none above 32767.
/// A port that is free for a broker.
pub fn port() -> anyhow::Result<u16> {
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (20_000..32_767).find(is_free).context("no port is free")
}

async fn zabbix(folder: &Path, seconds: usize) -> anyhow::Result<Vec<Figure>> {
    let settings = folder.join("zabbix_agent2.conf");
    let text = format!(
        "Server=127.0.0.1\nListenIP=127.0.0.1\nListenPort={}\nLogType=console\n\
         PidFile={folder}/zabbix.pid\nControlSocket={folder}/zabbix.sock\n\
         PluginSocket={folder}/plugin.sock\n",
        port()?,
        folder = folder.display()
    );
    std::fs::write(&settings, text)?;
    let mut command = Command::new("/usr/sbin/zabbix_agent2");
    command.arg("--foreground").arg("--config").arg(&settings);
    let mut agent = Daemon::start("zabbix_agent2", &mut command, &folder.join("zabbix.log"))?;
    let mut processor = Processor::of(agent.pid());
    let mut timer = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..SETTLING_SECONDS {
        timer.tick().await;
        ensure!(agent.is_running(), "it ended: {}", agent.printed());
        processor.look()?;
    }
    let (mut rss, mut pss) = (Vec::new(), Vec::new());
    let begun = processor.look()?;
    for _ in 0..seconds {
        timer.tick().await;
        processor.look()?;
        let memory = memory(agent.pid())?;
        rss.push(memory.rss / MB);
        pss.push(memory.pss / MB);
    }
    let a_day = (processor.look()? - begun) / seconds as f64 * DAY_SECONDS;
    let shown = |what, runs| -> anyhow::Result<Figure> {
        Ok(Figure::median(what, "MB", &Spread::of(runs)?, Reach::Shown))
    };
    Ok(vec![
        shown("zabbix_agent2 idle, PSS", pss)?,
        shown("zabbix_agent2 idle, RSS", rss)?,
        Figure::one(
            "zabbix_agent2, processor time a day",
            "s",
            a_day,
            Reach::Shown,
        ),
    ])
}

fn inventories(folder: &Path) -> anyhow::Result<Vec<Figure>> {
    let settings = folder.join("zabbix_agentd.conf");
    std::fs::write(&settings, "Server=127.0.0.1\n")?;
    let settings = settings.display().to_string();
    let packages = ["-t", "system.sw.packages", "--config", &settings];
    let each: [(&str, &str, &[&str]); 3] = [
        ("`dpkg-query -W`", "dpkg-query", &["-W"]),
        (
            "zabbix_agentd, packages",
            "/usr/sbin/zabbix_agentd",
            &packages,
        ),
        (
            "fusioninventory, everything",
            "/usr/bin/fusioninventory-inventory",
            &[],
        ),
    ];
    let mut took = [const { Vec::new() }; 3];
    for _ in 0..RUNS {
        for ((what, program, arguments), took) in each.iter().zip(&mut took) {
            let mut command = Command::new(program);
            command.args(*arguments).stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let began = clock();
            let status = command.status().with_context(|| (*what).to_owned())?;
            took.push(began.elapsed().as_secs_f64() * 1e3);
            ensure!(status.success(), "{what} ended with {status}");
        }
    }
    let named = each.iter().zip(took);
    let figures = named.map(|((what, ..), took)| -> anyhow::Result<Figure> {
        let what = format!("{what}, whole process");
        Ok(Figure::median(
            &what,
            "ms",
            &Spread::of(took)?,
            Reach::Shown,
        ))
    });
    figures.collect()
}

async fn broker(folder: &Path) -> anyhow::Result<Vec<Figure>> {
    let (settings, port) = (folder.join("mosquitto.conf"), port()?);
    let text = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser {}\n",
        if rustix::process::geteuid().is_root() {
            "root"
        } else {
            "mosquitto"
        }
    );
    std::fs::write(&settings, text)?;
    let mut command = Command::new("/usr/sbin/mosquitto");
    command.arg("-c").arg(&settings);
    let mut broker = Daemon::start("mosquitto", &mut command, &folder.join("mosquitto.log"))?;
    let mut sender = loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => break small(stream)?,
            Err(_) if broker.is_running() => tokio::task::yield_now().await,
            Err(error) => bail!("{error}: {}", broker.printed()),
        }
    };
    mqtt::connect(&mut sender, "sender").await?;
    let before = memory(broker.pid())?.rss;
    let mut subscribers = Vec::new();
    for number in 0..SUBSCRIBERS {
        let mut stream = small(TcpStream::connect(("127.0.0.1", port)).await?)?;
        mqtt::connect(&mut stream, &format!("machine-{number}")).await?;
        mqtt::subscribe(&mut stream, "stops").await?;
        subscribers.push(stream);
    }
    let held = (memory(broker.pid())?.rss - before) / SUBSCRIBERS as f64 / 1_024.0;
    let mut late = Vec::new();
    for _ in 0..MESSAGES {
        let mut waiting = JoinSet::new();
        for mut stream in std::mem::take(&mut subscribers) {
            waiting.spawn(async move {
                mqtt::receive(&mut stream).await?;
                anyhow::Ok((stream, clock()))
            });
        }
        // Every subscriber waits before anything is timed.
        tokio::task::yield_now().await;
        let began = clock();
        mqtt::publish(&mut sender, "stops", &[7; MESSAGE_BYTES]).await?;
        let mut took = Vec::new();
        while let Some(ended) = waiting.join_next().await {
            let (stream, at) = ended??;
            took.push((at - began).as_secs_f64() * 1e3);
            subscribers.push(stream);
        }
        late.push(Spread::of(took)?.at(0.99));
    }
    let late = Spread::of(late.into_iter().skip(1))?;
    let fan_out = format!("mosquitto, message to {SUBSCRIBERS} subscribers, 99th percentile");
    Ok(vec![
        Figure::one("mosquitto, held connection", "KiB", held, Reach::Shown),
        Figure::median(&fan_out, "ms", &late, Reach::Shown),
    ])
}
