//! The configuration of a server: its file, then `KAFKA_…` variables, then `--override`.

use crate::failure::{Context, Failure};
use clap::Args;
use klamm_config::{ServerConfig, Warning, env, properties};
use klamm_types::Uuid;
use std::{collections::BTreeMap, fs::File, io::Read, path::Path, path::PathBuf};

/// Where the configuration comes from.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    /// A server.properties as Apache Kafka takes it. Without one, KAFKA_… environment variables
    /// must give all that is needed (KAFKA_NODE_ID sets node.id); with one, they win over it.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Sets a property, over the file and the environment.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

/// Loads and checks the configuration.
pub(crate) fn load(args: &ConfigArgs) -> Result<(ServerConfig, Vec<Warning>), Failure> {
    let mut merged = match &args.config {
        Some(path) => read_file(path)?,
        None => BTreeMap::new(),
    };
    merged.extend(env::properties(text_variables()));
    for text in &args.overrides {
        let (key, value) =
            properties::parse_override(text).map_err(|error| Failure::new(error.to_string()))?;
        merged.insert(key, value);
    }
    if merged.is_empty() {
        return Err(Failure::new(
            "there is no configuration: give --config FILE, or set KAFKA_… environment variables",
        ));
    }
    ServerConfig::from_properties(&merged).map_err(|error| Failure::new(error.to_string()))
}

/// Loads and checks the configuration in a file, without the environment.
pub(crate) fn load_file(path: &Path) -> Result<ServerConfig, Failure> {
    let properties = read_file(path)?;
    let (config, _) = ServerConfig::from_properties(&properties)
        .map_err(|error| Failure::new(error.to_string()))?;
    Ok(config)
}

/// The cluster id that the environment gives (`CLUSTER_ID`), for a data folder without one.
pub(crate) fn cluster_id_of_environment() -> Result<Option<String>, Failure> {
    match std::env::var(env::CLUSTER_ID) {
        Ok(text) if !text.trim().is_empty() => cluster_id(text.trim()).map(Some),
        _ => Ok(None),
    }
}

/// Checks a cluster id. Kafka takes any text; only one that could not stand in a file is refused.
pub(crate) fn cluster_id(text: &str) -> Result<String, Failure> {
    /// Far more than the 22 characters of a UUID, which it should be.
    const CHARS_MAX: usize = 249;
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
    if text.parse::<Uuid>().is_ok()
        || !text.is_empty() && text.len() <= CHARS_MAX && text.chars().all(is_fine)
    {
        return Ok(text.to_owned());
    }
    Err(Failure::new(format!(
        "{text:?} is no cluster id: it must be 22 characters of base64, as `klamm storage random-uuid` prints"
    )))
}

fn text_variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let name = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            // One byte more than allowed is enough to notice that a file is too long.
            file.take(properties::FILE_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .context(format!("read {name}"))?;
    // Java reads these files as Latin-1 unless told otherwise; ours are UTF-8, and ASCII is both.
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("cannot read {name}: it is not UTF-8 text")))?;
    properties::parse(&text).map_err(|error| Failure::new(format!("{name}, {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_ids() {
        for good in [
            "4L6g3nShT-eMCtK--X86sw",
            "my-cluster",
            "5L6g3nShT-eMCtK--X86sw==",
        ] {
            assert_eq!(cluster_id(good).unwrap(), good);
        }
        for bad in ["", "a b", "x\ny", &"a".repeat(250)] {
            assert!(cluster_id(bad).is_err(), "{bad:?}");
        }
    }
}
