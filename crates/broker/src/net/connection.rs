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
    api::{self, Answer, Pending},
    context::Context,
};
use bytes::{Buf, Bytes};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};
use tracing::debug;

/// Requests of one connection that may wait for their answers. Beyond that it is not read.
const IN_FLIGHT_MAX: usize = 64;

/// Chunks that one system call sends at most.
const CHUNKS_MAX: usize = 64;

/// Answers that are ready are gathered up to this size before they are sent.
const GATHER_BYTES_MAX: usize = 256 * 1024;

/// How long a client may take nothing of its answers. Clients give up on an answer that is not
/// complete within their request time-out, mostly 30 s, and the memory it holds is the broker's.
/// Linux reports progress once a third of the send buffer is free, so that more than some 20 kB/s
/// count as such.
const WRITE_STALL_MAX: Duration = Duration::from_secs(60);

/// How long each request that is left when the client has gone may take. It is carried out all the
/// same, in its turn, as with a LeaveGroup before the end; but a long poll must not keep the
/// connection.
const PARTING_TIME: Duration = Duration::from_secs(2);

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
    /// When it was accepted.
    pub(crate) accepted: Instant,
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
    let (reads, read_end) = oneshot::channel();
    let peer = info.peer;
    let reading = read_requests(reader, info, context, slots);
    let stall_max = limits.idle_max.min(WRITE_STALL_MAX);
    let sending = Sender::new(write_half, stall_max, read_end).run(queue);
    // Whichever side ends first ends the other: a client that does not read its answers any more
    // must not be read from, and after the last request nothing is left but what is queued.
    tokio::pin!(sending);
    let ended = tokio::select! {
        ended = reading => {
            drop(reads);
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

/// Sends the answers of a connection.
struct Sender<W> {
    socket: W,
    /// Answers that are ready, in order.
    chunks: Vec<Bytes>,
    /// A client that takes nothing for so long is given up.
    stall_max: Duration,
    /// Resolves when no more requests are read.
    read_end: oneshot::Receiver<Infallible>,
    has_read_end: bool,
    /// An answer has been left out, so that no other may follow.
    is_mute: bool,
}

impl<W: AsyncWrite + Unpin> Sender<W> {
    fn new(socket: W, stall_max: Duration, read_end: oneshot::Receiver<Infallible>) -> Sender<W> {
        Sender {
            socket,
            chunks: Vec::new(),
            stall_max,
            read_end,
            has_read_end: false,
            is_mute: false,
        }
    }

    /// Sends answers in order until the queue ends, or an answer asks to close.
    async fn run(mut self, mut queue: mpsc::Receiver<Slot>) -> io::Result<()> {
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
                        self.send().await?;
                        gathered = 0;
                        self.outcome(pending).await
                    }
                    ready => ready,
                };
                match answer {
                    Answer::Now(_) if self.is_mute => {}
                    Answer::Now(bytes) => {
                        gathered += bytes.iter().map(Bytes::len).sum::<usize>();
                        self.chunks.extend(bytes);
                    }
                    Answer::Silent => {}
                    Answer::Close | Answer::Later(_) => return self.send().await,
                }
                next = (gathered < GATHER_BYTES_MAX)
                    .then(|| queue.try_recv().ok())
                    .flatten();
            }
            self.send().await?;
        }
    }

    /// Waits for an answer, but not much longer than the client does.
    async fn outcome(&mut self, mut pending: Pending) -> Answer {
        if !self.has_read_end {
            tokio::select! {
                biased;
                answer = &mut pending => return answer,
                _ = &mut self.read_end => self.has_read_end = true,
            }
        }
        timeout(PARTING_TIME, pending).await.unwrap_or_else(|_| {
            self.is_mute = true;
            Answer::Silent
        })
    }

    /// Sends all chunks with as few system calls as the kernel allows, and empties the list.
    async fn send(&mut self) -> io::Result<()> {
        let chunks = &mut self.chunks;
        let mut first = 0;
        while first < chunks.len() {
            let slices: Vec<io::IoSlice<'_>> = chunks[first..]
                .iter()
                .take(CHUNKS_MAX)
                .map(|chunk| io::IoSlice::new(chunk))
                .collect();
            let writing = timeout(self.stall_max, self.socket.write_vectored(&slices));
            let mut written = writing.await.map_err(|_| io::ErrorKind::TimedOut)??;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, DuplexStream},
        time::Instant,
    };

    /// A sender to the other end; requests are read until the signal is dropped.
    fn sender(near: DuplexStream) -> (Sender<DuplexStream>, oneshot::Sender<Infallible>) {
        let (reads, read_end) = oneshot::channel();
        (Sender::new(near, Duration::from_secs(60), read_end), reads)
    }

    fn queue_of(answers: impl IntoIterator<Item = Answer>) -> mpsc::Receiver<Slot> {
        let (slots, queue) = mpsc::channel(8);
        for answer in answers {
            let slot = Slot {
                answer,
                _share: Share::default(),
            };
            assert!(slots.try_send(slot).is_ok());
        }
        queue
    }

    fn now(text: &'static str) -> Answer {
        Answer::Now(vec![Bytes::from_static(text.as_bytes())])
    }

    #[tokio::test]
    async fn chunks_of_any_size_arrive_in_order() {
        let (near, mut far) = tokio::io::duplex(700);
        let sizes = (0..300).map(|i| i * 7 % 1000);
        let chunks: Vec<Bytes> = sizes.map(|n| Bytes::from(vec![n as u8; n])).collect();
        let expected = chunks.concat();
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            all
        });
        let (mut sender, _reads) = sender(near);
        sender.chunks = chunks;
        sender.send().await.unwrap();
        assert!(sender.chunks.is_empty());
        drop(sender);
        assert_eq!(reader.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn answers_keep_the_order_of_their_requests() {
        let (near, mut far) = tokio::io::duplex(64);
        let (release, held) = oneshot::channel();
        let first = Answer::Later(Box::pin(async move {
            held.await.unwrap();
            now("a")
        }));
        let (sender, _reads) = sender(near);
        let sending = tokio::spawn(sender.run(queue_of([first, Answer::Silent, now("b")])));
        release.send(()).unwrap();
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"ab");
        sending.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_gone_is_not_waited_for_but_served_to_the_end() {
        let (near, mut far) = tokio::io::duplex(64);
        let parked = Answer::Later(Box::pin(std::future::pending()));
        let (carried_out, done) = oneshot::channel();
        let last = Answer::Later(Box::pin(async move {
            carried_out.send(()).unwrap();
            now("c")
        }));
        let (sender, reads) = sender(near);
        let begun = Instant::now();
        let sending = tokio::spawn(sender.run(queue_of([now("a"), parked, now("b"), last])));
        let mut first = [0];
        far.read_exact(&mut first).await.unwrap();
        drop(reads);
        done.await.unwrap();
        sending.await.unwrap().unwrap();
        assert!(begun.elapsed() < 2 * PARTING_TIME);
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
        assert_eq!(
            (&first, &rest[..]),
            (b"a", &b""[..]),
            "no answer is left out in between"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_given_up() {
        let (near, mut far) = tokio::io::duplex(4);
        let (sender, _reads) = sender(near);
        let begun = Instant::now();
        let sending = tokio::spawn(sender.run(queue_of([now("some text")])));
        // Some progress is enough.
        tokio::time::sleep(Duration::from_secs(50)).await;
        far.read_exact(&mut [0]).await.unwrap();
        let error = sending.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 110);
        drop(far);
    }
}
