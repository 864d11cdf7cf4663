//! One client connection.
//!
//! Two tasks: one reads requests and starts them, the other sends the answers. The order of the
//! answers is the order of the requests. What must happen in order (an append) happens before
//! the next request is read; what takes time (replication, a long poll) is a future that the
//! sender awaits when its turn comes. So many produce requests of a connection replicate at once.

use super::{
    budget::{MemoryBudget, Share},
    frame::{FrameReader, ReadError},
};
use crate::{
    api::{self, Answer},
    context::Context,
};
use bytes::{Buf, Bytes};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use tracing::debug;

/// Requests of one connection that may wait for their answers. Beyond that it is not read.
const IN_FLIGHT_MAX: usize = 64;

/// Chunks that one system call sends at most.
const CHUNKS_MAX: usize = 64;

/// Answers that are ready are gathered up to this size before they are sent.
const GATHER_BYTES_MAX: usize = 256 * 1024;

/// Limits of every connection.
#[derive(Clone)]
pub(crate) struct NetLimits {
    /// The largest request (`socket.request.max.bytes`).
    pub(crate) frame_bytes_max: usize,
    /// A connection without requests is closed after this time (`connections.max.idle.ms`).
    pub(crate) idle_max: Duration,
    /// Bounds what all connections hold.
    pub(crate) budget: MemoryBudget,
}

/// What a handler may know of the connection a request came on.
#[derive(Debug)]
pub(crate) struct ConnectionInfo {
    /// The listener that accepted it.
    pub(crate) listener: Arc<str>,
    /// The other end.
    pub(crate) peer: SocketAddr,
}

/// An answer whose turn comes, and the memory its request holds until then.
struct Slot {
    answer: Answer,
    _share: Share,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(
    socket: TcpStream,
    info: Arc<ConnectionInfo>,
    limits: NetLimits,
    context: Arc<Context>,
) {
    let (read_half, write_half) = socket.into_split();
    let reader = FrameReader::new(
        read_half,
        limits.frame_bytes_max,
        limits.idle_max,
        limits.budget.clone(),
    );
    let (slots, queue) = mpsc::channel(IN_FLIGHT_MAX);
    let peer = info.peer;
    let reading = read_requests(reader, info, context, slots);
    let sending = send_answers(write_half, queue);
    // Whichever side ends first ends the other: a client that does not read its answers any more
    // must not be read from, and after the last request nothing is left to send but what is queued.
    tokio::pin!(sending);
    let ended = tokio::select! {
        ended = reading => {
            let _ = (&mut sending).await;
            ended
        }
        sent = &mut sending => match sent {
            Ok(()) => "an answer closes the connection".to_owned(),
            Err(error) => format!("sending failed: {error}"),
        },
    };
    debug!(%peer, reason = ended, "connection closed");
}

/// Reads and starts requests; returns why it stopped.
async fn read_requests<R: tokio::io::AsyncRead + Unpin>(
    mut reader: FrameReader<R>,
    info: Arc<ConnectionInfo>,
    context: Arc<Context>,
    slots: mpsc::Sender<Slot>,
) -> String {
    loop {
        // A place for the answer first: the append must not happen if nobody will answer it.
        let Ok(place) = slots.reserve().await else {
            return "sending stopped".to_owned();
        };
        let frame = match reader.next().await {
            Ok(frame) => frame,
            Err(ReadError::Closed) => return ReadError::Closed.to_string(),
            Err(error) => return error.to_string(),
        };
        match api::dispatch(&context, frame.bytes, &info) {
            Ok(answer) => place.send(Slot {
                answer,
                _share: frame.share,
            }),
            Err(refusal) => return refusal.to_string(),
        }
    }
}

/// Sends answers in order until the queue ends, or an answer asks to close.
async fn send_answers<W: AsyncWrite + Unpin>(
    mut socket: W,
    mut queue: mpsc::Receiver<Slot>,
) -> io::Result<()> {
    let mut chunks: Vec<Bytes> = Vec::new();
    loop {
        let Some(slot) = queue.recv().await else {
            return Ok(());
        };
        let mut next = Some(slot);
        let mut gathered = 0;
        while let Some(slot) = next {
            let answer = match slot.answer {
                Answer::Later(pending) => {
                    // It may take long: what is ready goes out first.
                    send(&mut socket, &mut chunks).await?;
                    gathered = 0;
                    pending.await
                }
                ready => ready,
            };
            match answer {
                Answer::Now(bytes) => {
                    gathered += bytes.iter().map(Bytes::len).sum::<usize>();
                    chunks.extend(bytes);
                }
                Answer::Silent => {}
                Answer::Close | Answer::Later(_) => {
                    send(&mut socket, &mut chunks).await?;
                    return Ok(());
                }
            }
            next = (gathered < GATHER_BYTES_MAX)
                .then(|| queue.try_recv().ok())
                .flatten();
        }
        send(&mut socket, &mut chunks).await?;
    }
}

/// Sends all chunks with as few system calls as the kernel allows, and empties the list.
async fn send<W: AsyncWrite + Unpin>(socket: &mut W, chunks: &mut Vec<Bytes>) -> io::Result<()> {
    let mut first = 0;
    while first < chunks.len() {
        let slices: Vec<io::IoSlice<'_>> = chunks[first..]
            .iter()
            .take(CHUNKS_MAX)
            .map(|chunk| io::IoSlice::new(chunk))
            .collect();
        let mut written = socket.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while first < chunks.len() && written >= chunks[first].len() {
            written -= chunks[first].len();
            first += 1;
        }
        if written > 0 {
            chunks[first].advance(written);
        }
    }
    chunks.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn chunks_of_any_size_arrive_in_order() {
        let (mut near, mut far) = tokio::io::duplex(700);
        let sizes = (0..300).map(|i| i * 7 % 1000);
        let mut chunks: Vec<Bytes> = sizes.map(|n| Bytes::from(vec![n as u8; n])).collect();
        let expected = chunks.concat();
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            all
        });
        send(&mut near, &mut chunks).await.unwrap();
        assert!(chunks.is_empty());
        drop(near);
        assert_eq!(reader.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn answers_keep_the_order_of_their_requests() {
        let (near, mut far) = tokio::io::duplex(64);
        let (slots, queue) = mpsc::channel(8);
        let (release, held) = tokio::sync::oneshot::channel();
        let first = Answer::Later(Box::pin(async move {
            held.await.unwrap();
            Answer::Now(vec![Bytes::from_static(b"a")])
        }));
        for answer in [
            first,
            Answer::Silent,
            Answer::Now(vec![Bytes::from_static(b"b")]),
        ] {
            let slot = Slot {
                answer,
                _share: Share::default(),
            };
            slots.send(slot).await.map_err(|_| ()).unwrap();
        }
        drop(slots);
        let sender = tokio::spawn(send_answers(near, queue));
        release.send(()).unwrap();
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"ab");
        sender.await.unwrap().unwrap();
    }
}
