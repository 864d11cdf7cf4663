//! Where a controller listens and which folder it has, as the membership in the log says.

use klamm_types::Uuid;
use serde::{Deserialize, Serialize};

/// A member of the quorum, with a vote or without.
///
/// On the wire and on disk it is one text, `host:port` or `host:port:directory-id`: logs from
/// before there were directory ids have the first form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct ControllerNode {
    /// `host:port`.
    pub(crate) endpoint: String,
    /// The id of the folder that takes part: a node that comes back with another one is another
    /// member. Zero: not known.
    pub(crate) directory_id: Uuid,
}

impl ControllerNode {
    /// A node whose folder is not known yet.
    pub(crate) fn at(endpoint: impl Into<String>) -> ControllerNode {
        ControllerNode {
            endpoint: endpoint.into(),
            directory_id: Uuid::ZERO,
        }
    }
}

impl From<ControllerNode> for String {
    fn from(node: ControllerNode) -> String {
        match node.directory_id.is_zero() {
            true => node.endpoint,
            false => format!("{}:{}", node.endpoint, node.directory_id),
        }
    }
}

impl From<String> for ControllerNode {
    fn from(text: String) -> ControllerNode {
        // A port is never as long as an id.
        let parts = text.rsplit_once(':');
        let known = parts.and_then(|(endpoint, id)| Some((endpoint, id.parse().ok()?)));
        match known {
            Some((endpoint, directory_id)) => ControllerNode {
                endpoint: endpoint.to_owned(),
                directory_id,
            },
            None => ControllerNode::at(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;
    use openraft::BasicNode;

    #[test]
    fn nodes_survive_and_old_ones_are_read() {
        let old = wire::encode(&BasicNode::new("[::1]:9093")).unwrap();
        let read: ControllerNode = wire::decode(&old).unwrap();
        assert_eq!(read, ControllerNode::at("[::1]:9093"));
        assert_eq!(wire::encode(&read).unwrap(), old);

        for endpoint in ["[::1]:9093", "controller-1:1", "10.0.0.1:65535"] {
            let node = ControllerNode {
                endpoint: endpoint.into(),
                directory_id: Uuid::random().unwrap(),
            };
            let back: ControllerNode = wire::decode(&wire::encode(&node).unwrap()).unwrap();
            assert_eq!(back, node);
        }
    }
}
