//! Requests from other terminals: one line in, the answer out, over a socket in the data folder.

use super::{Request, command, layout};
use crate::failure::{Context, Failure};
use std::{fs, path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    time::timeout,
};

/// No command is longer.
const LINE_BYTES_MAX: u64 = 256;

/// Whoever connects and says nothing is dropped after this time.
const LINE_PATIENCE: Duration = Duration::from_secs(5);

/// No answer is longer.
const ANSWER_BYTES_MAX: u64 = 1 << 16;

/// A line that somebody typed, and where its answer goes.
#[derive(Debug)]
pub(super) struct TypedLine {
    pub(super) line: String,
    /// `None`: the terminal of the cluster itself.
    pub(super) answer: Option<oneshot::Sender<String>>,
}

/// Sends a request to the cluster that runs in `data` and prints its answer.
pub(super) async fn ask(data: &Path, request: Request) -> Result<(), Failure> {
    let path = layout::control_socket(data);
    let mut stream = UnixStream::connect(&path).await.map_err(|_| {
        let data = data.display();
        Failure::new(format!(
            "no cluster runs in {data}: start one with `klamm dev`, or name its folder with --data"
        ))
    })?;
    let line = command::print(request) + "\n";
    stream
        .write_all(line.as_bytes())
        .await
        .context("send the request")?;
    let mut answer = String::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_string(&mut answer)
        .await
        .context("read the answer")?;
    // The first character tells whether it worked.
    match answer.strip_prefix('!') {
        Some(problem) => Err(Failure::new(problem.trim_end())),
        None => {
            print!("{answer}");
            Ok(())
        }
    }
}

/// Listens for requests of other terminals. A socket of a cluster that is gone is replaced.
pub(super) fn listen(data: &Path, lines: mpsc::Sender<TypedLine>) -> Result<(), Failure> {
    let path = layout::control_socket(data);
    if path.exists() {
        fs::remove_file(&path).context(format!("remove {}", path.display()))?;
    }
    let listener = UnixListener::bind(&path).context(format!("listen on {}", path.display()))?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, lines.clone()));
        }
    });
    Ok(())
}

/// Removes the socket. One that stays behind does no harm: the next cluster replaces it.
pub(super) fn unlisten(data: &Path) {
    if let Err(error) = fs::remove_file(layout::control_socket(data)) {
        tracing::debug!(%error, "the control socket stays behind");
    }
}

async fn serve(mut stream: UnixStream, lines: mpsc::Sender<TypedLine>) {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LINE_BYTES_MAX));
    let Ok(Ok(_)) = timeout(LINE_PATIENCE, reader.read_line(&mut line)).await else {
        return;
    };
    let (sender, receiver) = oneshot::channel();
    let typed = TypedLine {
        line,
        answer: Some(sender),
    };
    if lines.send(typed).await.is_ok()
        && let Ok(answer) = receiver.await
        && let Err(error) = writer.write_all(answer.as_bytes()).await
    {
        tracing::debug!(%error, "whoever asked did not wait for the answer");
    }
}
