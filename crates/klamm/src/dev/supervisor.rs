//! Starts the nodes, acts on commands, signals and the ends of nodes, and stops them all.

use super::{
    Request, command,
    control::{self, TypedLine},
    layout,
    node::{Exit, Node},
    plan::Plan,
    ports,
    state_file::State,
};
use crate::{
    failure::{Context, Failure},
    progress::Progress,
};
use std::{
    fs::{File, TryLockError},
    io::{BufRead, IsTerminal},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

/// How long nodes may take to stop before they are killed.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// How long the first start may take before the user is told that something is odd.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// How often a node that starts is asked whether it listens.
const READY_POLL: Duration = Duration::from_millis(50);

/// Commands that may wait to be carried out.
const LINES_MAX: usize = 16;

/// What happens next.
enum Event {
    Line(TypedLine),
    /// Nobody types any more.
    InputEnded,
    Exit(Exit),
    Signal,
}

struct Supervisor {
    data: PathBuf,
    bootstrap: String,
    nodes: Vec<Node>,
    exits: mpsc::UnboundedSender<Exit>,
}

/// What comes in.
struct Inbox {
    lines: mpsc::Receiver<TypedLine>,
    input_ended: Option<tokio::sync::oneshot::Receiver<()>>,
    exits: mpsc::UnboundedReceiver<Exit>,
    interrupt: Signal,
    terminate: Signal,
}

/// Runs the cluster until it is told to stop.
pub(super) async fn run(plan: Plan) -> Result<(), Failure> {
    let _lock = lock(&plan.data)?;
    ports::check_free(&plan)?;
    let (exits, exit_receiver) = mpsc::unbounded_channel();
    let (line_sender, lines) = mpsc::channel(LINES_MAX);
    let mut inbox = Inbox {
        lines,
        input_ended: Some(read_stdin(line_sender.clone())),
        exits: exit_receiver,
        interrupt: signal(SignalKind::interrupt()).context("wait for ctrl-C")?,
        terminate: signal(SignalKind::terminate()).context("wait for SIGTERM")?,
    };
    if let Err(failure) = control::listen(&plan.data, line_sender.clone()) {
        eprintln!("warning: {failure}; commands can only be typed here");
    }
    let addresses = plan
        .nodes
        .iter()
        .map(|node| (plan.host.clone(), node.port))
        .collect();
    let mut supervisor = Supervisor {
        bootstrap: plan.bootstrap(),
        nodes: Vec::new(),
        exits,
        data: plan.data.clone(),
    };
    for node in plan.nodes {
        supervisor.nodes.push(Node::new(&plan.data, node)?);
    }
    let outcome = supervisor.serve(&mut inbox, addresses).await;
    supervisor.stop_all(&mut inbox).await;
    control::unlisten(&supervisor.data);
    State::remove(&supervisor.data)?;
    outcome
}

/// One cluster at a time in a folder.
fn lock(data: &Path) -> Result<File, Failure> {
    let path = layout::lock_file(data);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .context(format!("open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(format!(
            "a cluster already runs in {}: `klamm dev status` shows it, --data chooses another folder",
            data.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error).context(format!("lock {}", path.display())),
    }
}

/// Reads commands from standard input on a thread of its own: reading cannot be cancelled.
fn read_stdin(lines: mpsc::Sender<TypedLine>) -> tokio::sync::oneshot::Receiver<()> {
    let (ended, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            let typed = TypedLine { line, answer: None };
            if lines.blocking_send(typed).is_err() {
                return;
            }
        }
        // Dropping it tells as much.
        drop(ended);
    });
    receiver
}

impl Inbox {
    async fn next(&mut self) -> Event {
        loop {
            tokio::select! {
                Some(exit) = self.exits.recv() => return Event::Exit(exit),
                Some(line) = self.lines.recv() => return Event::Line(line),
                _ = self.interrupt.recv() => return Event::Signal,
                _ = self.terminate.recv() => return Event::Signal,
                _ = ended(&mut self.input_ended) => {
                    self.input_ended = None;
                    // Commands sent just before the end still count.
                    if self.lines.is_empty() {
                        return Event::InputEnded;
                    }
                }
            }
        }
    }
}

/// Waits for the end of standard input; for ever once that has been noticed.
async fn ended(input: &mut Option<tokio::sync::oneshot::Receiver<()>>) {
    match input {
        Some(receiver) => {
            // An error is the sender's drop, which is the message.
            let _closed = receiver.await;
        }
        None => std::future::pending().await,
    }
}

impl Supervisor {
    /// Starts all nodes and acts on events until the cluster is to stop.
    async fn serve(
        &mut self,
        inbox: &mut Inbox,
        addresses: Vec<(String, u16)>,
    ) -> Result<(), Failure> {
        for node in &mut self.nodes {
            node.start(self.exits.clone())?;
        }
        self.write_state()?;
        let mut progress = Progress::begin("the nodes start");
        let mut ready = Box::pin(wait_until_listening(addresses));
        let deadline = Instant::now() + READY_PATIENCE;
        let mut starting = true;
        loop {
            tokio::select! {
                event = inbox.next() => {
                    if !self.handle(event)? {
                        return Ok(());
                    }
                }
                () = &mut ready, if starting => {
                    starting = false;
                    drop(std::mem::replace(&mut progress, Progress::begin("")));
                    print!("{}", self.welcome());
                }
                () = sleep_until(deadline), if starting => {
                    starting = false;
                    drop(std::mem::replace(&mut progress, Progress::begin("")));
                    eprintln!("warning: some nodes are not reachable yet; their logs may tell why");
                    print!("{}", self.welcome());
                }
                () = sleep(READY_POLL), if starting => progress.update("the nodes start"),
            }
        }
    }

    /// Acts on an event. Returns whether to go on.
    fn handle(&mut self, event: Event) -> Result<bool, Failure> {
        match event {
            Event::Signal => return Ok(false),
            // Ctrl-D at a terminal means to leave; a pipe that ends only means no more commands.
            Event::InputEnded => return Ok(!std::io::stdin().is_terminal()),
            Event::Exit(exit) => self.node_ended(exit)?,
            Event::Line(typed) => {
                let (answer, go_on) = match command::parse(&typed.line) {
                    Ok(None) => (String::new(), true),
                    Ok(Some(Request::Quit)) => ("the cluster stops\n".to_owned(), false),
                    Ok(Some(request)) => (self.carry_out(request)?, true),
                    Err(help) => (format!("!{help}\n"), true),
                };
                match typed.answer {
                    Some(sender) => {
                        if sender.send(answer).is_err() {
                            tracing::debug!("whoever asked did not wait for the answer");
                        }
                    }
                    None => print!("{}", answer.strip_prefix('!').unwrap_or(&answer)),
                }
                return Ok(go_on);
            }
        }
        Ok(true)
    }

    /// Answers begin with `!` if the request could not be carried out.
    fn carry_out(&mut self, request: Request) -> Result<String, Failure> {
        let id = match request {
            Request::Status | Request::Quit => return Ok(self.status()),
            Request::Kill { node }
            | Request::Stop { node }
            | Request::Start { node }
            | Request::Restart { node } => node,
        };
        let count = self.nodes.len();
        let Some(node) = self.nodes.iter_mut().find(|node| node.id() == id) else {
            return Ok(format!("!there is no node {id}: nodes are 1 to {count}\n"));
        };
        let answer = match (request, node.pid()) {
            (Request::Start { .. } | Request::Restart { .. }, None) => {
                node.start(self.exits.clone())?;
                let pid = node.pid().unwrap_or_default();
                format!("node {id} starts, process {pid}\n")
            }
            (Request::Start { .. }, Some(pid)) => {
                format!("!node {id} runs already, process {pid}\n")
            }
            (Request::Restart { .. }, Some(_)) => {
                node.stop();
                node.restart_wanted = true;
                format!("node {id} stops and starts again\n")
            }
            (Request::Kill { .. }, Some(pid)) => {
                node.kill();
                format!("node {id} is killed, process {pid}\n")
            }
            (_, Some(pid)) => {
                node.stop();
                format!("node {id} stops, process {pid}\n")
            }
            (_, None) => format!("!node {id} is down already: start {id} starts it\n"),
        };
        self.write_state()?;
        Ok(answer)
    }

    fn node_ended(&mut self, exit: Exit) -> Result<(), Failure> {
        // Whoever is killed has no time to log why.
        let sigkill = rustix::process::Signal::KILL.as_raw();
        let killed = matches!(&exit.status, Ok(status) if status.signal() == Some(sigkill));
        let how = match exit.status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        if let Some(node) = self.nodes.iter_mut().find(|node| node.id() == exit.id) {
            node.ended();
            if node.restart_wanted {
                node.start(self.exits.clone())?;
                println!(
                    "node {} runs again, process {}",
                    exit.id,
                    node.pid().unwrap_or_default()
                );
            } else if node.end_expected {
                println!(
                    "node {} is down ({how}); start {} starts it",
                    exit.id, exit.id
                );
            } else if killed {
                println!(
                    "node {} was killed ({how}); the others go on, start {} starts it again",
                    exit.id, exit.id
                );
            } else {
                eprint!(
                    "node {} ended by itself ({how})\n{}",
                    exit.id,
                    node.log_tail()
                );
                eprintln!("  the others go on; start {} starts it again", exit.id);
            }
        }
        self.write_state()
    }

    fn welcome(&self) -> String {
        format!(
            "{}\nconnect to {}\n{}; ctrl-C stops the cluster\n",
            self.status(),
            self.bootstrap,
            command::HELP
        )
    }

    fn status(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            let state = node.state();
            let pid = match state.pid {
                Some(pid) => format!("process {pid}"),
                None => "down".to_owned(),
            };
            text.push_str(&format!(
                "node {}  port {}  {pid:<16}  log {}\n",
                state.id, state.port, state.log
            ));
        }
        text
    }

    fn write_state(&self) -> Result<(), Failure> {
        let state = State {
            pid: std::process::id(),
            bootstrap_servers: self.bootstrap.clone(),
            nodes: self.nodes.iter().map(Node::state).collect(),
        };
        state.write(&self.data)
    }

    /// Stops all nodes; kills those that take too long, or all on a second signal.
    async fn stop_all(&mut self, inbox: &mut Inbox) {
        let mut progress = Progress::begin("the nodes stop");
        self.nodes.iter_mut().for_each(Node::stop);
        let deadline = Instant::now() + STOP_PATIENCE;
        let mut killed = false;
        while self.nodes.iter().any(|node| node.pid().is_some()) {
            tokio::select! {
                event = inbox.next() => match event {
                    Event::Exit(exit) => {
                        let ended = self.nodes.iter_mut().filter(|node| node.id() == exit.id);
                        ended.for_each(Node::ended);
                    }
                    Event::Signal => self.nodes.iter_mut().for_each(Node::kill),
                    Event::Line(_) | Event::InputEnded => {}
                },
                () = sleep_until(deadline), if !killed => {
                    killed = true;
                    eprintln!("some nodes do not stop; they are killed");
                    self.nodes.iter_mut().for_each(Node::kill);
                }
                () = sleep(READY_POLL) => progress.update("the nodes stop"),
            }
        }
        drop(progress);
        println!("all nodes are down");
    }
}

/// Waits until every address takes connections.
async fn wait_until_listening(addresses: Vec<(String, u16)>) {
    for (host, port) in addresses {
        while TcpStream::connect((host.as_str(), port)).await.is_err() {
            sleep(READY_POLL).await;
        }
    }
}
