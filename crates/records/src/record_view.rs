//! Looks at records where they lie: what compaction needs of each, and the rest as it is.

use crate::record_walk::RecordError;
use crate::varint::{Decoded, decode_varlong, encode_varlong, varlong_size};

/// A record in a buffer of decompressed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// What the offset adds to the batch's base offset.
    pub offset_delta: i32,
    /// What the timestamp adds to the batch's base timestamp, in ms.
    pub timestamp_delta: i64,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; none is a tombstone.
    pub value: Option<&'a [u8]>,
    attributes: u8,
    /// What follows the timestamp delta.
    rest: &'a [u8],
}

impl RecordView<'_> {
    /// Appends the record with another timestamp delta.
    pub(crate) fn encode(&self, timestamp_delta: i64, out: &mut Vec<u8>) {
        let size = 1 + varlong_size(timestamp_delta) + self.rest.len();
        encode_varlong(size as i64, out);
        out.push(self.attributes);
        encode_varlong(timestamp_delta, out);
        out.extend_from_slice(self.rest);
    }
}

/// Iterates over decompressed records without allocating. Ends after the first error.
///
/// Headers are taken on trust: they lie within their record, and nobody looks into them.
#[derive(Clone, Debug)]
pub struct RecordViews<'a> {
    rest: &'a [u8],
    left: i32,
}

impl<'a> RecordViews<'a> {
    /// Over decompressed records, of which the batch promises `count`.
    pub fn new(records: &'a [u8], count: i32) -> RecordViews<'a> {
        RecordViews {
            rest: records,
            left: count.max(0),
        }
    }

    fn parse_next(&mut self) -> Result<RecordView<'a>, RecordError> {
        let size = take_length(&mut self.rest)?;
        let mut body = take(&mut self.rest, size).ok_or(RecordError::Truncated)?;
        let [attributes] = *take(&mut body, 1).ok_or(RecordError::Length)? else {
            return Err(RecordError::Length);
        };
        let timestamp_delta = take_number(&mut body)?;
        let rest = body;
        Ok(RecordView {
            offset_delta: take_int(&mut body)?,
            timestamp_delta,
            key: take_nullable(&mut body)?,
            value: take_nullable(&mut body)?,
            attributes,
            rest,
        })
    }
}

impl<'a> Iterator for RecordViews<'a> {
    type Item = Result<RecordView<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let trailing = !std::mem::take(&mut self.rest).is_empty();
            return trailing.then_some(Err(RecordError::Trailing));
        }
        self.left -= 1;
        let next = self.parse_next();
        if next.is_err() {
            self.left = 0;
            self.rest = &[];
        }
        Some(next)
    }
}

fn take<'a>(bytes: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(taken)
}

fn take_nullable<'a>(body: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    match take_int(body)? {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length).map_err(|_| RecordError::Length)?;
            take(body, length).map(Some).ok_or(RecordError::Length)
        }
    }
}

fn take_length(bytes: &mut &[u8]) -> Result<usize, RecordError> {
    usize::try_from(take_int(bytes)?).map_err(|_| RecordError::Length)
}

fn take_int(bytes: &mut &[u8]) -> Result<i32, RecordError> {
    i32::try_from(take_number(bytes)?).map_err(|_| RecordError::Number)
}

fn take_number(bytes: &mut &[u8]) -> Result<i64, RecordError> {
    match decode_varlong(bytes) {
        Decoded::Value(value, size) => {
            *bytes = bytes.get(size..).unwrap_or_default();
            Ok(value)
        }
        Decoded::Incomplete => Err(RecordError::Truncated),
        Decoded::TooLong => Err(RecordError::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, HEADER_SIZE, Records};
    use bytes::Bytes;
    use proptest::prelude::*;

    type Input = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

    fn records() -> impl Strategy<Value = Vec<Input>> {
        let blob = || prop::option::of(prop::collection::vec(any::<u8>(), 0..200));
        prop::collection::vec((0..1_000_000i64, blob(), blob()), 0..20)
    }

    fn batch(inputs: &[Input]) -> Bytes {
        let mut builder = BatchBuilder::new(0);
        for (timestamp, key, value) in inputs {
            let headers: [(&[u8], Option<&[u8]>); 2] = [(b"h", Some(b"v")), (b"n", None)];
            builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers);
        }
        builder.build().unwrap()
    }

    proptest! {
        #[test]
        fn views_see_what_records_hold(inputs in records()) {
            let batch = batch(&inputs);
            let (header, records) = Records::of_batch(&batch, 1 << 20).unwrap();
            let mut again = Vec::new();
            let mut views = RecordViews::new(&batch[HEADER_SIZE..], header.records_count);
            for record in records.map(Result::unwrap) {
                let view = views.next().unwrap().unwrap();
                prop_assert_eq!(view.offset_delta, record.offset_delta);
                prop_assert_eq!(view.timestamp_delta, record.timestamp_delta);
                prop_assert_eq!(view.key, record.key.as_deref());
                prop_assert_eq!(view.value, record.value.as_deref());
                view.encode(view.timestamp_delta, &mut again);
            }
            prop_assert_eq!(views.next(), None);
            prop_assert_eq!(&again[..], &batch[HEADER_SIZE..]);
        }

        #[test]
        fn damaged_records_never_panic(
            inputs in records(),
            at: prop::sample::Index,
            with: u8,
            count in -1..30,
        ) {
            let mut bytes = batch(&inputs)[HEADER_SIZE..].to_vec();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= with;
            }
            prop_assert!(RecordViews::new(&bytes, count).count() <= 31);
        }
    }
}
