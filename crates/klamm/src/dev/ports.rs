//! Whether the ports of a cluster are free, asked before the first node starts.

use super::plan::Plan;
use crate::failure::Failure;
use std::{io, net::TcpListener};

/// Fails with all ports that are taken and how to choose others.
pub(super) fn check_free(plan: &Plan) -> Result<(), Failure> {
    let mut taken = Vec::new();
    for node in &plan.nodes {
        for port in std::iter::once(node.port).chain(node.controller_port) {
            match TcpListener::bind((plan.host.as_str(), port)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    taken.push(port.to_string());
                }
                Err(error) => {
                    let message = format!("cannot listen on {}:{port}: {error}", plan.host);
                    return Err(Failure::new(message));
                }
            }
        }
    }
    match taken.as_slice() {
        [] => Ok(()),
        [one] => Err(taken_ports(&format!("port {one} is"), plan)),
        many => Err(taken_ports(&format!("ports {} are", many.join(", ")), plan)),
    }
}

fn taken_ports(which: &str, plan: &Plan) -> Failure {
    let first = plan.nodes.first().map_or(0, |node| node.port);
    // A thousand above is easy to remember; below where that would leave the range.
    let other = if first < 60_000 {
        first + 1000
    } else {
        first - 1000
    };
    Failure::new(format!(
        "{which} taken on {} by another program. Stop it, or choose other ports: klamm dev --port {other}",
        plan.host
    ))
}
