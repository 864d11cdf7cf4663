//! Cuts a stream of bytes into requests.

use super::budget::{MemoryBudget, Share};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, timeout},
};

/// Room that is made for a request before any of it has come, free of charge. What a size prefix
/// promises beyond that costs memory only as it arrives.
const FIRST_READ_BYTES: usize = 16 * 1024;

/// The share of a large request grows by at most this at a time: little is held in advance, and
/// who waits for so much does not keep others waiting long.
const STEP_BYTES_MAX: usize = 1 << 20;

/// A request that has begun must go on within this time.
const STALL_MAX: Duration = Duration::from_secs(30);

/// How long a large request waits to grow while it holds memory that others may wait for.
const GROW_PATIENCE: Duration = Duration::from_secs(10);

/// How long one waits that holds nothing yet, and is in nobody's way. No client waits longer for
/// its answer.
const BEGIN_PATIENCE: Duration = Duration::from_secs(60);

/// While others wait for memory, whoever holds some must go on quickly: within each such period
/// it must read one [`PACE_DIVISOR`]th of what it holds, or is given up before those who wait lose
/// patience. Holding 64 MB asks for 1 MB/s then, 1 MB for 16 KB/s: who is slower needs more than a
/// minute for what it holds, longer than clients wait for an answer.
const PACE_PERIOD: Duration = Duration::from_secs(2);
const PACE_DIVISOR: usize = 32;

/// A request without its size, and the share of memory it holds.
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    pub(crate) share: Share,
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the client closed the connection")]
    Closed,
    #[error("no request for {0:?}")]
    Idle(Duration),
    #[error("a request stopped in the middle for {STALL_MAX:?}")]
    Stalled,
    #[error("a request of {size} bytes: allowed are 0 to {max}")]
    Size { size: i32, max: usize },
    #[error("a request held memory that others waited for, and did not go on quickly enough")]
    Slow,
    #[error("no memory for a request of {0} bytes: others hold it")]
    NoMemory(usize),
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
}

/// Reads frames from one connection.
pub(crate) struct FrameReader<R> {
    socket: R,
    buffer: BytesMut,
    frame_bytes_max: usize,
    idle_max: Duration,
    budget: MemoryBudget,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(
        socket: R,
        frame_bytes_max: usize,
        idle_max: Duration,
        budget: MemoryBudget,
    ) -> FrameReader<R> {
        FrameReader {
            socket,
            buffer: BytesMut::new(),
            frame_bytes_max,
            idle_max,
            budget,
        }
    }

    /// The next request. Not cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Frame, ReadError> {
        let size = self.size().await?;
        let mut share = Share::default();
        if size > FIRST_READ_BYTES {
            self.read_large(size, &mut share).await?;
        }
        while self.buffer.len() < size {
            self.make_room(size);
            self.read_more(STALL_MAX, ReadError::Stalled).await?;
        }
        let bytes = self.buffer.split_to(size).freeze();
        Ok(Frame { bytes, share })
    }

    async fn size(&mut self) -> Result<usize, ReadError> {
        while self.buffer.len() < 4 {
            self.buffer.reserve(FIRST_READ_BYTES);
            let (patience, error) = if self.buffer.is_empty() {
                (self.idle_max, ReadError::Idle(self.idle_max))
            } else {
                (STALL_MAX, ReadError::Stalled)
            };
            self.read_more(patience, error).await?;
        }
        let size = self.buffer.get_i32();
        match usize::try_from(size) {
            Ok(bytes) if bytes <= self.frame_bytes_max => Ok(bytes),
            _ => Err(ReadError::Size {
                size,
                max: self.frame_bytes_max,
            }),
        }
    }

    /// Reads a request that needs a share of the budget. The share grows as the request arrives,
    /// whatever room the buffer has.
    async fn read_large(&mut self, size: usize, share: &mut Share) -> Result<(), ReadError> {
        if size - FIRST_READ_BYTES > self.budget.total_bytes() {
            return Err(ReadError::NoMemory(size));
        }
        let mut pace = Pace::begin(self.buffer.len());
        while self.buffer.len() < size {
            let covered = FIRST_READ_BYTES + share.bytes();
            if self.buffer.len() >= covered {
                self.grow(size, covered, share, &mut pace).await?;
                continue;
            }
            self.make_room(size);
            // The beginning of the next request is free, and saves a system call.
            let ahead = if covered < size { 0 } else { FIRST_READ_BYTES };
            let room_bytes = covered + ahead - self.buffer.len();
            let mut room = (&mut self.buffer).limit(room_bytes);
            match timeout(PACE_PERIOD, self.socket.read_buf(&mut room)).await {
                Ok(Ok(0)) => return Err(ReadError::Closed),
                Ok(Ok(_)) => pace.last_read = Instant::now(),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) if pace.last_read.elapsed() >= STALL_MAX => return Err(ReadError::Stalled),
                Err(_) => {}
            }
            pace.check(self.buffer.len(), share, &self.budget)?;
        }
        Ok(())
    }

    /// Covers the next step of a large request.
    async fn grow(
        &self,
        size: usize,
        covered: usize,
        share: &mut Share,
        pace: &mut Pace,
    ) -> Result<(), ReadError> {
        let step = covered.min(STEP_BYTES_MAX).min(size - covered);
        let patience = match share.bytes() {
            0 => BEGIN_PATIENCE,
            _ => GROW_PATIENCE,
        };
        let begun = Instant::now();
        if !self.budget.grow(share, step, patience).await {
            return Err(ReadError::NoMemory(size));
        }
        // Nothing could be read meanwhile, which is not the sender's fault.
        let waited = begun.elapsed();
        pace.since += waited;
        pace.last_read += waited;
        Ok(())
    }

    /// Grows a full buffer towards `size`, doubling, never far ahead of what has arrived.
    fn make_room(&mut self, size: usize) {
        let held = self.buffer.len();
        if self.buffer.capacity() == held {
            let room = (size - held).min(held.max(FIRST_READ_BYTES));
            self.buffer.reserve(room);
        }
    }

    async fn read_more(
        &mut self,
        patience: Duration,
        too_late: ReadError,
    ) -> Result<(), ReadError> {
        match timeout(patience, self.socket.read_buf(&mut self.buffer)).await {
            Ok(Ok(0)) => Err(ReadError::Closed),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(too_late),
        }
    }
}

/// How quickly a large request comes in.
struct Pace {
    /// When the period began.
    since: Instant,
    /// What had been read then.
    bytes_then: usize,
    last_read: Instant,
}

impl Pace {
    fn begin(bytes: usize) -> Pace {
        let now = Instant::now();
        Pace {
            since: now,
            bytes_then: bytes,
            last_read: now,
        }
    }

    /// Gives up on a sender that keeps memory from others without using it.
    fn check(
        &mut self,
        bytes: usize,
        share: &Share,
        budget: &MemoryBudget,
    ) -> Result<(), ReadError> {
        let now = Instant::now();
        if now.duration_since(self.since) < PACE_PERIOD {
            return Ok(());
        }
        let is_slow = bytes - self.bytes_then < share.bytes() / PACE_DIVISOR;
        if is_slow && budget.is_short() {
            return Err(ReadError::Slow);
        }
        (self.since, self.bytes_then) = (now, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    fn reader(
        socket: tokio::io::DuplexStream,
        budget_bytes: usize,
    ) -> FrameReader<tokio::io::DuplexStream> {
        let budget = MemoryBudget::new(budget_bytes);
        FrameReader::new(socket, 1 << 20, Duration::from_secs(60), budget)
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in() {
        let (mut client, server) = tokio::io::duplex(1000);
        let sizes = [0_usize, 1, 5, 16_384, 100_000];
        let writer = tokio::spawn(async move {
            for (i, size) in sizes.iter().enumerate() {
                client.write_i32(*size as i32).await.unwrap();
                client.write_all(&vec![i as u8; *size]).await.unwrap();
            }
        });
        let mut reader = reader(server, 1 << 20);
        for (i, size) in sizes.iter().enumerate() {
            let frame = reader.next().await.unwrap();
            assert_eq!(frame.bytes, vec![i as u8; *size]);
        }
        assert!(matches!(reader.next().await, Err(ReadError::Closed)));
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn sizes_out_of_range_are_refused() {
        for size in [-1, i32::MIN, i32::MAX, (1 << 20) + 1] {
            let (mut client, server) = tokio::io::duplex(64);
            client.write_i32(size).await.unwrap();
            let result = reader(server, 1 << 20).next().await;
            assert!(matches!(result, Err(ReadError::Size { size: s, .. }) if s == size));
        }
    }

    #[tokio::test]
    async fn a_promise_costs_no_memory() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_i32(1 << 20).await.unwrap();
        client.write_all(b"only this").await.unwrap();
        drop(client);
        let mut reader = reader(server, 1 << 20);
        assert!(matches!(reader.next().await, Err(ReadError::Closed)));
        assert!(reader.buffer.capacity() <= 2 * FIRST_READ_BYTES);
    }

    /// Sends the size of a frame, some of its bytes, and then one byte a second.
    fn trickle(mut client: tokio::io::DuplexStream, size: usize, bytes: usize) {
        tokio::spawn(async move {
            client.write_i32(size as i32).await.unwrap();
            client.write_all(&vec![0; bytes]).await.unwrap();
            while client.write_all(&[0]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }

    #[tokio::test(start_paused = true)]
    async fn who_holds_much_and_sends_little_gives_way() {
        let size = 1 << 20;
        let (client, server) = tokio::io::duplex(1 << 16);
        trickle(client, size, 600_000);
        let mut slow = reader(server, size);
        let budget = slow.budget.clone();
        let mut slow = tokio::spawn(async move { slow.next().await.err() });
        // Nobody else needs the memory.
        let patient = timeout(Duration::from_secs(300), &mut slow).await;
        assert!(patient.is_err());

        let (mut client, server) = tokio::io::duplex(1 << 16);
        let sending = tokio::spawn(async move {
            client.write_i32(size as i32).await.unwrap();
            client.write_all(&vec![1; size]).await.unwrap();
        });
        let mut quick = FrameReader::new(server, size, Duration::from_secs(60), budget);
        let frame = quick.next().await.unwrap();
        assert_eq!(frame.bytes, vec![1; size]);
        assert!(matches!(slow.await.unwrap(), Some(ReadError::Slow)));
        sending.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_holds_nothing_waits_until_there_is_memory() {
        let size = 100_000;
        let (mut client, server) = tokio::io::duplex(size + 4);
        client.write_i32(size as i32).await.unwrap();
        client.write_all(&vec![1; size]).await.unwrap();
        let mut reader = reader(server, size);
        let budget = reader.budget.clone();
        let mut all = Share::default();
        let total_bytes = budget.total_bytes();
        assert!(budget.grow(&mut all, total_bytes, Duration::ZERO).await);
        let mut reading = tokio::spawn(async move { reader.next().await.unwrap().bytes.len() });
        let early = timeout(2 * GROW_PATIENCE, &mut reading).await;
        assert!(early.is_err() && budget.is_short());
        drop(all);
        assert_eq!(reading.await.unwrap(), size);
        assert!(!budget.is_short());
    }
}
