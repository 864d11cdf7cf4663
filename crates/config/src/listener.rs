//! Listeners: where a server listens and what it tells others to connect to.

use crate::{config_value::list_elements, error::ConfigError};
use std::{collections::BTreeMap, fmt};

/// The security protocols of Kafka; only the first is served so far.
const SECURITY_PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// An address with its name, such as `PLAINTEXT://localhost:9092`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The name, in capitals.
    pub name: String,
    /// A host name or address, without brackets; empty for every address of this machine.
    pub host: String,
    /// The port; 0 lets the operating system choose one.
    pub port: u16,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}://[{}]:{}", self.name, self.host, self.port)
        } else {
            write!(f, "{}://{}:{}", self.name, self.host, self.port)
        }
    }
}

/// Splits `host:port`; an IPv6 address may stand in brackets.
pub(crate) fn split_host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        None => host,
    };
    let is_host_char = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
    if !host.chars().all(is_host_char) {
        return None;
    }
    Some((host.to_owned(), port.parse().ok()?))
}

/// Parses a list of listeners and refuses two with one name or one address.
pub(crate) fn parse_listeners(key: &str, value: &str) -> Result<Vec<Listener>, ConfigError> {
    let mut listeners: Vec<Listener> = Vec::new();
    for element in list_elements(value) {
        let listener = parse_listener(element).ok_or_else(|| {
            let allowed =
                format!("{element} is not NAME://host:port, such as PLAINTEXT://localhost:9092");
            ConfigError::invalid(key, value, allowed)
        })?;
        if listeners.iter().any(|other| other.name == listener.name) {
            let allowed = format!(
                "each listener needs a name of its own, not {} twice",
                listener.name
            );
            return Err(ConfigError::invalid(key, value, allowed));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Refuses two listeners on one port, unless one is for IPv4 and the other for IPv6.
pub(crate) fn refuse_shared_ports(
    key: &str,
    value: &str,
    listeners: &[Listener],
) -> Result<(), ConfigError> {
    for (index, a) in listeners.iter().enumerate() {
        for b in &listeners[index + 1..] {
            let is_ipv4 = |l: &Listener| l.host.parse::<std::net::Ipv4Addr>().is_ok();
            let is_ipv6 = |l: &Listener| l.host.parse::<std::net::Ipv6Addr>().is_ok();
            let both_families = is_ipv4(a) && is_ipv6(b) || is_ipv6(a) && is_ipv4(b);
            if a.port == b.port && a.port != 0 && !both_families {
                let allowed = format!(
                    "each listener needs a port of its own, not {} twice",
                    a.port
                );
                return Err(ConfigError::invalid(key, value, allowed));
            }
        }
    }
    Ok(())
}

fn parse_listener(text: &str) -> Option<Listener> {
    let (name, address) = text.split_once("://")?;
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_name_char) {
        return None;
    }
    let (host, port) = split_host_port(address)?;
    Some(Listener {
        name: name.to_ascii_uppercase(),
        host,
        port,
    })
}

/// Parses `listener.security.protocol.map`: the security protocol of each listener name.
pub(crate) fn parse_protocol_map(
    key: &str,
    value: &str,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut map = BTreeMap::new();
    for element in list_elements(value) {
        let (name, protocol) = element.split_once(':').ok_or_else(|| {
            ConfigError::invalid(key, value, format!("{element} is not NAME:PROTOCOL"))
        })?;
        let (name, protocol) = (
            name.trim().to_ascii_uppercase(),
            protocol.trim().to_ascii_uppercase(),
        );
        if !SECURITY_PROTOCOLS.contains(&protocol.as_str()) {
            let allowed = format!(
                "{protocol} is no security protocol; there are {}",
                SECURITY_PROTOCOLS.join(", ")
            );
            return Err(ConfigError::invalid(key, value, allowed));
        }
        map.insert(name, protocol);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_parse_and_print() {
        for (text, host, port) in [
            ("PLAINTEXT://:9092", "", 9092),
            ("plaintext://localhost:0", "localhost", 0),
            ("A-1://[::1]:9093", "::1", 9093),
            ("X://10.0.0.1:65535", "10.0.0.1", 65535),
        ] {
            let listener = parse_listener(text).unwrap();
            assert_eq!(
                (listener.host.as_str(), listener.port),
                (host, port),
                "{text}"
            );
            assert_eq!(parse_listener(&listener.to_string()), Some(listener));
        }
    }

    #[test]
    fn malformed_listeners_name_the_key() {
        for text in [
            "9092",
            "PLAINTEXT",
            "A://h:65536",
            "A://h:-1",
            "A://h",
            "://h:1",
            "A://[::1:1",
            "A:// h:1",
            "A://h:1,a://g:2",
        ] {
            match parse_listeners("listeners", text) {
                Err(ConfigError::Invalid { key, value, .. }) => {
                    assert_eq!((key.as_str(), value.as_str()), ("listeners", text));
                }
                other => panic!("{text} gave {other:?}"),
            }
        }
    }

    #[test]
    fn one_port_serves_one_listener() {
        let shared = |text| {
            refuse_shared_ports(
                "listeners",
                text,
                &parse_listeners("listeners", text).unwrap(),
            )
        };
        assert!(shared("A://:1,B://:1").is_err());
        assert!(shared("A://:1,B://:2").is_ok());
        assert!(shared("A://:0,B://:0").is_ok());
        assert!(shared("A://127.0.0.1:1,B://[::1]:1").is_ok());
    }
}
