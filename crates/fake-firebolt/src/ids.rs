//! The ordinals, ids and random streams of one server, all of them out of its seed.
//!
//! Ids are numbers until somebody reads them: a statement draws two and most are never shown, so
//! none costs an allocation when it is drawn.

use std::fmt;

/// Ordinals and names that the server gives out.
#[derive(Debug)]
pub(crate) struct Ids {
    requests: u64,
    connections: u64,
    lsns: u64,
    names: Stream,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        let mut names = Stream::new(seed, "names");
        // Somewhere in the middle of a sequence, as an account that has lived is.
        let lsns = names.next_u64() >> 24;
        Self { requests: 0, connections: 0, lsns, names }
    }

    pub(crate) fn request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    pub(crate) fn connection(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    /// The next number of the one sequence that transactions begin and commit in.
    pub(crate) fn lsn(&mut self) -> Lsn {
        self.lsns += 1;
        Lsn(self.lsns)
    }

    /// A query or request id.
    pub(crate) fn uuid(&mut self) -> Uuid {
        Uuid::of(&mut self.names)
    }

    /// An access token.
    pub(crate) fn token(&mut self) -> String {
        format!("fake.{:016x}{:016x}", self.names.next_u64(), self.names.next_u64())
    }
}

/// A place in the sequence of transactions: 20 hex digits that ascend in the order of the
/// alphabet (firebolt-semantics §1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lsn(u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020x}", self.0)
    }
}

/// An id in the shape of a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uuid {
    high: u64,
    low: u64,
}

impl Uuid {
    /// The next one of a stream.
    pub(crate) fn of(stream: &mut Stream) -> Self {
        Self { high: stream.next_u64(), low: stream.next_u64() }
    }

    /// Its text. By hand: two are written for every reply, and the formatter took a fiftieth of a run.
    fn text(self) -> [u8; 36] {
        let version_4 = self.high & !0xf000 | 0x4000;
        let variant_1 = self.low & !(0b11 << 62) | 0b10 << 62;
        let digits = u128::from(version_4) << 64 | u128::from(variant_1);
        const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        for (byte, at) in digits.to_be_bytes().into_iter().zip(PLACES) {
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 0xf)];
        }
        text
    }

    /// Appends its text.
    pub(crate) fn push_to(self, out: &mut String) {
        out.push_str(std::str::from_utf8(&self.text()).unwrap_or_default());
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// A stream of numbers of one purpose: drawing from one never shifts another.
#[derive(Debug)]
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mixed = purpose.bytes().fold(seed, |state, byte| mix(state ^ u64::from(byte)));
        Self(mixed)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number between 0 and 1 and never one of them. Of 52 bits, not of 53: with half a step
    /// added, the largest of those would round to 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// A number below `bound`; 0 for a bound of 0. The bias of the remainder is far below what
    /// any run could show.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }
}

/// The finaliser of SplitMix64: any two inputs that differ in one bit differ in about half of
/// the output's.
fn mix(state: u64) -> u64 {
    let state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_names_come_from_the_seed() {
        let (mut a, mut b, mut other) = (Ids::new(1), Ids::new(1), Ids::new(2));
        let (first, second) = (a.lsn().to_string(), a.lsn().to_string());
        assert_eq!(first.len(), 20);
        assert!(first < second);
        b.lsn();
        b.lsn();
        let uuid = a.uuid();
        assert_eq!(uuid, b.uuid());
        assert_eq!(uuid.to_string().len(), 36);
        assert_ne!(uuid, other.uuid());
    }
}
