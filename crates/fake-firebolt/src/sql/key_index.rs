//! Rows by the values of their join keys: what makes a join linear instead of quadratic.
//!
//! A hash table over row positions. Its hash function is fixed, and positions come back in
//! ascending order, so that two runs of one seed answer in the same order. It keeps no copy of a
//! key: equality looks at the rows again, which only candidates have to pay for. Whoever has no
//! partner, as most rows of a large table have none, mostly learns it from one line of the cache.

use super::error::SqlError;
use super::expr::{Env, Expr};
use crate::value::{Row, Value};

/// One equality between the sides of a join.
#[derive(Debug, Clone)]
pub(super) struct JoinKey {
    /// Over the left row.
    pub(super) left: Expr,
    /// Over the right row.
    pub(super) right: Expr,
    /// `IS NOT DISTINCT FROM`: NULL matches NULL. Under `=` it matches nothing.
    pub(super) null_matches: bool,
}

/// A place of the table: the first row of a chain, with a piece of its key's hash.
#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u32,
    first: u32,
}

/// The end of a chain, and the mark of a slot without one.
const END: u32 = u32::MAX;

/// Positions of the rows of the right side, by key.
#[derive(Debug, Default)]
pub(super) struct KeyIndex {
    slots: Vec<Slot>,
    /// For each row the next one of its chain.
    next: Vec<u32>,
    mask: usize,
}

impl KeyIndex {
    /// Indexes rows by the right-hand expressions of `keys`.
    pub(super) fn new(keys: &[JoinKey], rows: &[Row], env: &Env<'_>) -> Result<Self, SqlError> {
        if rows.len() >= END as usize {
            return Err(SqlError::data("too many rows on one side of a join"));
        }
        let hashes = rows.iter().map(|row| hash_of(keys, |key| &key.right, row, env));
        let hashes = hashes.collect::<Result<Vec<_>, _>>()?;
        // At most half full, so that the search for a free slot is short.
        let count = (rows.len() * 2).next_power_of_two();
        let mut index = Self {
            slots: vec![Slot { tag: 0, first: END }; count],
            next: vec![END; rows.len()],
            mask: count - 1,
        };
        // Backwards, so that each chain ascends.
        for (at, hash) in hashes.iter().enumerate().rev() {
            let Some(hash) = hash else { continue };
            let slot = index.slot(*hash);
            index.next[at] = index.slots[slot].first;
            index.slots[slot] = Slot { tag: tag(*hash), first: at as u32 };
        }
        Ok(index)
    }

    /// Where the chain of a hash begins, or would. A chain holds all rows whose tags are the same
    /// and that were looked for past the same slots; nothing is ever taken out.
    fn slot(&self, hash: u64) -> usize {
        let mut at = hash as usize & self.mask;
        loop {
            let slot = &self.slots[at];
            if slot.first == END || slot.tag == tag(hash) {
                return at;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Reads the first slots of hashes that will be looked for soon. One after the other, each
    /// would be waited for, and in a large table each is far away; a batch of reads that depend on
    /// nothing is under way at once.
    pub(super) fn touch(&self, hashes: impl Iterator<Item = u64>) {
        let firsts = hashes.map(|hash| self.slots[hash as usize & self.mask].first);
        std::hint::black_box(firsts.fold(0, |all, first| all ^ first));
    }

    /// Positions of the rows that match a left row with that hash, ascending, into `found`.
    pub(super) fn find(
        &self,
        hash: Option<u64>,
        keys: &[JoinKey],
        row: &[Value],
        rows: &[Row],
        env: &Env<'_>,
        found: &mut Vec<usize>,
    ) -> Result<(), SqlError> {
        found.clear();
        let Some(hash) = hash else { return Ok(()) };
        let mut at = self.slots[self.slot(hash)].first;
        while at != END {
            let position = at as usize;
            if equal(keys, row, &rows[position], env)? {
                found.push(position);
            }
            at = self.next[position];
        }
        Ok(())
    }
}

/// The piece of a hash that a slot keeps: not the low bits, which choose the slot.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The hash of a left row's key; `None` for one that matches nothing.
pub(super) fn left_hash(
    keys: &[JoinKey],
    row: &[Value],
    env: &Env<'_>,
) -> Result<Option<u64>, SqlError> {
    hash_of(keys, |key| &key.left, row, env)
}

/// The hash of a key; `None` for one that matches nothing.
fn hash_of<'k>(
    keys: &'k [JoinKey],
    side: impl Fn(&'k JoinKey) -> &'k Expr,
    row: &[Value],
    env: &Env<'_>,
) -> Result<Option<u64>, SqlError> {
    let mut hash = 0;
    for key in keys {
        let value = side(key).eval(row, env)?;
        if value.is_null() && !key.null_matches {
            return Ok(None);
        }
        hash = absorb_value(hash, &value);
    }
    // A multiplication moves what matters upwards only, and the low bits choose the slot: numbers
    // that end in zeros, as whole floats and texts of eight digits do, would share a few slots.
    let hash = (hash ^ hash >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    Ok(Some(hash ^ hash >> 32))
}

fn equal(
    keys: &[JoinKey],
    left: &[Value],
    right: &[Value],
    env: &Env<'_>,
) -> Result<bool, SqlError> {
    for key in keys {
        if key.left.eval(left, env)? != key.right.eval(right, env)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn absorb(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn absorb_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let mut hash = absorb(hash, bytes.len() as u64);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let mut buffer = [0; 8];
        buffer.copy_from_slice(word);
        hash = absorb(hash, u64::from_le_bytes(buffer));
    }
    let rest = words.remainder();
    if rest.is_empty() {
        return hash;
    }
    let mut buffer = [0; 8];
    buffer[..rest.len()].copy_from_slice(rest);
    absorb(hash, u64::from_le_bytes(buffer))
}

/// Floats that are equal hash alike: -0 and 0, and every NaN.
fn float_bits(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// Equal values, as `Value` compares them, hash alike; both sides of a key have one type.
fn absorb_value(hash: u64, value: &Value) -> u64 {
    match value {
        Value::Null => absorb(hash, 0x6e75_6c6c),
        Value::Boolean(value) => absorb(hash, u64::from(*value)),
        Value::Integer(value) | Value::Date(value) => absorb(hash, i64::from(*value) as u64),
        Value::Bigint(value) | Value::Timestamp(value) | Value::TimestampTz(value) => {
            absorb(hash, *value as u64)
        }
        Value::Real(value) => absorb(hash, float_bits(f64::from(*value))),
        Value::Double(value) => absorb(hash, float_bits(*value)),
        Value::Numeric(value) => {
            let high = absorb(hash, (value.unscaled >> 64) as u64);
            absorb(absorb(high, value.unscaled as u64), u64::from(value.scale))
        }
        Value::Text(text) | Value::Json(text) => absorb_bytes(hash, text.as_bytes()),
        Value::Bytea(bytes) | Value::Geography(bytes) => absorb_bytes(hash, bytes),
        Value::Array(items) => items.iter().fold(absorb(hash, items.len() as u64), absorb_value),
        Value::Struct(value) => value.values.iter().fold(hash, absorb_value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(null_matches: bool) -> Vec<JoinKey> {
        vec![JoinKey { left: Expr::Column(0), right: Expr::Column(0), null_matches }]
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(-f64::NAN), Just(1.5)]
                .prop_map(Value::Double),
        ]
    }

    fn text() -> impl Strategy<Value = Value> {
        prop_oneof![Just(Value::Null), "[a-c]{0,20}".prop_map(|text| Value::text(&text))]
    }

    fn check(rows: &[Row], probe: &Value, null_matches: bool) -> Result<(), TestCaseError> {
        let (keys, env) = (key(null_matches), Env::default());
        let index = KeyIndex::new(&keys, rows, &env).unwrap();
        let (mut found, probe_row) = (vec![usize::MAX], std::slice::from_ref(probe));
        let hash = left_hash(&keys, probe_row, &env).unwrap();
        index.touch(hash.into_iter());
        index.find(hash, &keys, probe_row, rows, &env, &mut found).unwrap();
        let matches = |row: &Row| row[0] == *probe && (null_matches || !probe.is_null());
        let expected: Vec<usize> = (0..rows.len()).filter(|at| matches(&rows[*at])).collect();
        prop_assert_eq!(found, expected);
        Ok(())
    }

    /// The places between a key's own slot and the one that it is found in, together.
    fn steps(index: &KeyIndex, keys: &[JoinKey], rows: &[Row]) -> usize {
        let steps = |row: &Row| {
            let hash = left_hash(keys, row, &Env::default()).unwrap().unwrap();
            index.slot(hash).wrapping_sub(hash as usize) & index.mask
        };
        rows.iter().map(steps).sum()
    }

    /// What a key is called, and how the n-th looks.
    type KeyShape = (&'static str, fn(i32) -> Value);

    #[test]
    fn keys_of_every_shape_are_spread() {
        let shapes: [KeyShape; 6] = [
            ("texts of eight bytes", |at| Value::text(&format!("6:{at:06}"))),
            ("texts of sixteen", |at| Value::text(&format!("{at:016}"))),
            ("texts of ten", |at| Value::text(&format!("{at:010}"))),
            ("whole floats", |at| Value::Double(f64::from(at))),
            ("numbers", |at| Value::Bigint(i64::from(at))),
            ("round numbers", |at| Value::Bigint(i64::from(at) << 32)),
        ];
        for (name, shape) in shapes {
            let (keys, rows) =
                (key(false), (0..10_000).map(|at| Row::from([shape(at)])).collect::<Vec<_>>());
            let index = KeyIndex::new(&keys, &rows, &Env::default()).unwrap();
            // At random it is about 0.2 a key at this fill.
            let steps = steps(&index, &keys, &rows);
            assert!(steps < 6_000, "{name}: {steps} steps for {} keys", rows.len());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn finds_what_a_search_finds(
            floats in prop::collection::vec(value(), 0..40),
            float in value(),
            texts in prop::collection::vec(text(), 0..40),
            word in text(),
            null_matches in any::<bool>(),
        ) {
            let rows = |values: Vec<Value>| -> Vec<Row> {
                values.into_iter().map(|value| Row::from([value])).collect()
            };
            check(&rows(floats), &float, null_matches)?;
            check(&rows(texts), &word, null_matches)?;
        }
    }
}
