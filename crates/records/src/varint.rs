//! Zigzag variable-length integers, as records use them.

/// Bytes of the longest encoding of 64 bits.
pub(crate) const VARLONG_SIZE_MAX: usize = 10;

/// A decoded number and how many bytes it took, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// The number and the size of its encoding.
    Value(i64, usize),
    /// The bytes end before the number does.
    Incomplete,
    /// More bytes than a number of this width can take.
    TooLong,
}

/// Decodes a number of at most 64 bits.
pub(crate) fn decode_varlong(bytes: &[u8]) -> Decoded {
    let mut raw = 0u64;
    for (i, &byte) in bytes.iter().take(VARLONG_SIZE_MAX).enumerate() {
        raw |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Decoded::Value(unzigzag(raw), i + 1);
        }
    }
    if bytes.len() < VARLONG_SIZE_MAX {
        Decoded::Incomplete
    } else {
        Decoded::TooLong
    }
}

/// Appends a number of at most 64 bits. Numbers of 32 bits have the same encoding.
pub(crate) fn encode_varlong(value: i64, out: &mut Vec<u8>) {
    let mut raw = zigzag(value);
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

/// How many bytes [`encode_varlong`] appends.
pub(crate) const fn varlong_size(value: i64) -> usize {
    let bits = 64 - zigzag(value).leading_zeros() as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trips(value: i64) {
            let mut out = Vec::new();
            encode_varlong(value, &mut out);
            prop_assert_eq!(out.len(), varlong_size(value));
            prop_assert_eq!(decode_varlong(&out), Decoded::Value(value, out.len()));
            prop_assert_eq!(decode_varlong(&out[..out.len() - 1]), Decoded::Incomplete);
        }
    }

    #[test]
    fn known_encodings() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (63, &[0x7e]),
            (64, &[0x80, 0x01]),
            (i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut out = Vec::new();
            encode_varlong(value, &mut out);
            assert_eq!(out, bytes, "{value}");
        }
        assert_eq!(decode_varlong(&[0xff; 11]), Decoded::TooLong);
    }
}
