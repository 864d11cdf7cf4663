//! A queue of byte slices that one gathered write drains.

use bytes::{Buf, Bytes};
use std::{collections::VecDeque, io::IoSlice};

/// Chunks waiting to be written, in order.
#[derive(Default)]
pub(crate) struct Chunks(VecDeque<Bytes>);

impl Chunks {
    /// Appends a frame.
    pub(crate) fn push(&mut self, frame: Vec<Bytes>) {
        self.0
            .extend(frame.into_iter().filter(|chunk| !chunk.is_empty()));
    }
}

impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |chunk| chunk)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pairs = slices.iter_mut().zip(&self.0);
        pairs
            .map(|(slice, chunk)| *slice = IoSlice::new(chunk))
            .count()
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.0.front_mut() {
            if count < front.len() {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.0.pop_front();
        }
        assert!(count == 0, "advanced {count} bytes beyond the end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_advance_across_chunks() {
        let mut chunks = Chunks::default();
        chunks.push(vec![
            Bytes::from_static(b"abc"),
            Bytes::new(),
            Bytes::from_static(b"de"),
        ]);
        chunks.push(vec![Bytes::from_static(b"f")]);
        assert_eq!(chunks.remaining(), 6);
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(chunks.chunks_vectored(&mut slices), 3);
        chunks.advance(4);
        assert_eq!(chunks.chunk(), b"e");
        chunks.advance(2);
        assert!(!chunks.has_remaining());
    }
}
