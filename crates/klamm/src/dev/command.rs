//! The commands that a running cluster takes, as one types them.

use super::Request;

/// What can be typed, for whoever typed something else.
pub(super) const HELP: &str =
    "commands: status, kill N, stop N, start N, restart N, quit (N is the id of a node)";

/// Reads a command. `Ok(None)` is an empty line.
pub(super) fn parse(line: &str) -> Result<Option<Request>, String> {
    let mut words = line.split_whitespace();
    let Some(word) = words.next() else {
        return Ok(None);
    };
    let node = match words.next().map(str::parse::<u16>) {
        Some(Ok(node)) => Some(node),
        Some(Err(_)) => return Err(HELP.to_owned()),
        None => None,
    };
    let request = match (word.to_lowercase().as_str(), node) {
        ("status", None) => Request::Status,
        ("quit" | "exit", None) => Request::Quit,
        ("kill", Some(node)) => Request::Kill { node },
        ("stop", Some(node)) => Request::Stop { node },
        ("start", Some(node)) => Request::Start { node },
        ("restart", Some(node)) => Request::Restart { node },
        _ => return Err(HELP.to_owned()),
    };
    match words.next() {
        None => Ok(Some(request)),
        Some(_) => Err(HELP.to_owned()),
    }
}

/// Writes a request as [`parse`] reads it.
pub(super) fn print(request: Request) -> String {
    match request {
        Request::Status => "status".to_owned(),
        Request::Quit => "quit".to_owned(),
        Request::Kill { node } => format!("kill {node}"),
        Request::Stop { node } => format!("stop {node}"),
        Request::Start { node } => format!("start {node}"),
        Request::Restart { node } => format!("restart {node}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_round_trip() {
        for request in [
            Request::Status,
            Request::Quit,
            Request::Kill { node: 1 },
            Request::Stop { node: 2 },
            Request::Start { node: 3 },
            Request::Restart { node: 9 },
        ] {
            assert_eq!(parse(&print(request)), Ok(Some(request)));
        }
        assert_eq!(parse("  \n"), Ok(None));
        assert_eq!(
            parse(" Restart  2 \n"),
            Ok(Some(Request::Restart { node: 2 }))
        );
    }

    #[test]
    fn other_lines_are_answered_with_help() {
        for line in [
            "help",
            "kill",
            "kill x",
            "status 1",
            "restart 1 2",
            "kill -1",
        ] {
            assert_eq!(parse(line), Err(HELP.to_owned()), "{line}");
        }
    }
}
