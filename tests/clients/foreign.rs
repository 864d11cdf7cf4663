//! Which foreign clients this machine has, and how to call them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::process::run;
use crate::say;

/// Long enough to download all of them.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(900);

/// The clients, in the order in which `install.sh` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Client {
    /// librdkafka of Debian.
    Kcat,
    /// librdkafka of PyPI.
    ConfluentKafka,
    /// The client written in Python.
    KafkaPython,
    /// Apache Kafka's own client and tools.
    Java,
}

impl Client {
    pub(crate) const ALL: [Self; 4] = [
        Self::Kcat,
        Self::ConfluentKafka,
        Self::KafkaPython,
        Self::Java,
    ];

    /// Its name in `install.sh`, in topics and in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kcat => "kcat",
            Self::ConfluentKafka => "confluent-kafka",
            Self::KafkaPython => "kafka-python",
            Self::Java => "java",
        }
    }

    /// Whether this machine can run it. What needs one that it cannot run returns early.
    ///
    /// # Panics
    /// If it cannot and this is CI.
    pub(crate) fn is_here(self) -> bool {
        let reason = match &inventory()[self.name()] {
            Ok(_) => return true,
            Err(reason) => reason,
        };
        assert!(
            !is_ci(),
            "{} does not run on this machine: {reason}",
            self.name()
        );
        false
    }

    fn program(self) -> &'static Path {
        match &inventory()[self.name()] {
            Ok(program) => program,
            Err(reason) => panic!("{} does not run on this machine: {reason}", self.name()),
        }
    }
}

/// A `kcat` command, still without arguments.
pub(crate) fn kcat() -> Command {
    Command::new(Client::Kcat.program())
}

/// A script of `python/`, run by the Python that has `client`.
pub(crate) fn python(client: Client, script: &str) -> Command {
    let mut command = Command::new(client.program());
    command.arg(folder().join("python").join(script));
    command
}

/// A Java class with a `main`, of Kafka or of ours, with flags that make short runs cheap.
pub(crate) fn java(class: &str) -> Command {
    java_logging(class, &folder().join("java/log4j2.properties"))
}

/// The same with another configuration of its log, a file of properties.
pub(crate) fn java_logging(class: &str, logging: &Path) -> Command {
    let home = Client::Java.program();
    let class_path = format!(
        "{}:{}",
        home.join("classes").display(),
        home.join("lib/*").display()
    );
    let mut command = Command::new("java");
    command
        .args([
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
        ])
        .args(["-Dfile.encoding=UTF-8", "-cp", &class_path])
        .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
        .arg(class);
    command
}

type Inventory = BTreeMap<&'static str, Result<PathBuf, String>>;

fn inventory() -> &'static Inventory {
    static INVENTORY: OnceLock<Inventory> = OnceLock::new();
    INVENTORY.get_or_init(|| {
        let inventory = install();
        let missing: Vec<_> = inventory
            .iter()
            .filter_map(|(name, found)| Some((name, found.as_ref().err()?)))
            .collect();
        for (name, reason) in &missing {
            say(&format!("not run: {name} ({reason})"));
        }
        say(&format!(
            "{} of {} foreign clients run",
            inventory.len() - missing.len(),
            inventory.len()
        ));
        inventory
    })
}

fn install() -> Inventory {
    let mut script = Command::new("bash");
    script.arg(folder().join("install.sh"));
    let output = run(&mut script, None, INSTALL_TIMEOUT).text();
    let found = |client: Client| {
        let fields = output
            .lines()
            .map(|line| line.splitn(3, '\t').collect::<Vec<_>>());
        let fields = fields
            .into_iter()
            .find(|fields| fields.first() == Some(&client.name()));
        match fields.as_deref() {
            Some([_, "ok", program]) => Ok(PathBuf::from(program)),
            Some([_, _, reason]) => Err((*reason).to_owned()),
            _ => Err("install.sh does not name it".to_owned()),
        }
    };
    Client::ALL
        .into_iter()
        .map(|client| (client.name(), found(client)))
        .collect()
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}
