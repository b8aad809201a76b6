//! A body under `compress=1`: a chain of ClickHouse's LZ4 blocks, which JDBC asks of user engines
//! unless it is told not to (firebolt-wire §5.4).
//!
//! ```text
//! checksum of all that follows, 16 bytes │ 0x82 │ packed size + 9, u32 │ raw size, u32 │ packed
//! ```
//! Only results are packed. An error is not: what the service does there is not known, and JDBC
//! reads either (it falls back to the text).

use super::city_hash::city_hash_128;

/// Raw bytes of one block: ClickHouse's own.
const BLOCK_BYTES: usize = 1 << 20;

/// Says that a block is packed by LZ4.
const LZ4: u8 = 0x82;

/// The header that the packed size counts: method and both sizes.
const HEADER_BYTES: usize = 9;

/// Packs a body. Nothing is a chain without blocks.
pub(crate) fn pack(body: &[u8]) -> Vec<u8> {
    let mut chain = Vec::new();
    for raw in body.chunks(BLOCK_BYTES) {
        let packed = lz4_flex::block::compress(raw);
        let mut block = Vec::with_capacity(HEADER_BYTES + packed.len());
        block.push(LZ4);
        for size in [packed.len() + HEADER_BYTES, raw.len()] {
            let size = u32::try_from(size).expect("a block is small");
            block.extend_from_slice(&size.to_le_bytes());
        }
        block.extend_from_slice(&packed);
        let (first, second) = city_hash_128(&block);
        chain.extend_from_slice(&first.to_le_bytes());
        chain.extend_from_slice(&second.to_le_bytes());
        chain.extend_from_slice(&block);
    }
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a chain as JDBC does, checksums included.
    fn unpack(mut chain: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        while !chain.is_empty() {
            let (checksum, rest) = chain.split_at(16);
            assert_eq!(rest[0], LZ4);
            let size = |at: usize| {
                u32::from_le_bytes(rest[at..at + 4].try_into().expect("four bytes")) as usize
            };
            let (packed, raw) = (size(1), size(5));
            let (first, second) = city_hash_128(&rest[..packed]);
            assert_eq!(checksum, [first.to_le_bytes(), second.to_le_bytes()].concat());
            let unpacked = lz4_flex::block::decompress(&rest[HEADER_BYTES..packed], raw);
            body.extend(unpacked.expect("a block"));
            chain = &rest[packed..];
        }
        body
    }

    /// A ClickHouse client in Python, whose hash and LZ4 are others', has read this block.
    #[test]
    fn a_block_is_what_others_read() {
        let chain = pack(b"id\ninteger\n1\n");
        let hex: String = chain.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "373838cd3f3f0329869fc90807914cbe82170000000d000000d069640a696e74656765720a310a"
        );
        assert_eq!(pack(b""), b"");
    }

    #[test]
    fn a_long_body_is_several_blocks_and_smaller() {
        let body = b"a row of many\t42\n".repeat(150_000);
        let chain = pack(&body);
        assert!(chain.len() < body.len() / 20, "{}", chain.len());
        assert_eq!(unpack(&chain), body);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert_eq!(unpack(&pack(&body)), body);
        }
    }
}
