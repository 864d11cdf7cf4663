//! Cuts a stream of bytes into requests.

use super::budget::{MemoryBudget, Share};
use bytes::{Buf, Bytes, BytesMut};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

/// Room that is made for a request before any of it has come. What a size prefix promises
/// beyond that costs memory only as it arrives.
const FIRST_READ_BYTES: usize = 16 * 1024;

/// A request that has begun must go on within this time.
const STALL_MAX: Duration = Duration::from_secs(30);

/// How long a large request waits for memory that others hold.
const BUDGET_PATIENCE: Duration = Duration::from_secs(10);

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
    #[error("no memory for a large request within {BUDGET_PATIENCE:?}: others hold it")]
    NoMemory,
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
        while self.buffer.len() < size {
            self.make_room(size, &mut share).await?;
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

    /// Grows the buffer towards `size`, doubling, never ahead of what has arrived.
    async fn make_room(&mut self, size: usize, share: &mut Share) -> Result<(), ReadError> {
        let held = self.buffer.len();
        if self.buffer.capacity() > held {
            return Ok(());
        }
        let room = (size - held).min(held.max(FIRST_READ_BYTES));
        let is_large = held + room > FIRST_READ_BYTES;
        if is_large && !self.budget.grow(share, room, BUDGET_PATIENCE).await {
            return Err(ReadError::NoMemory);
        }
        self.buffer.reserve(room);
        Ok(())
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
}
