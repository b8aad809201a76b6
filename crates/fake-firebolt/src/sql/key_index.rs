//! Rows by the values of their join keys: what makes a join linear instead of quadratic.
//!
//! A chained hash table over row positions. Its hash function is fixed, and positions come back
//! in ascending order, so that two runs of one seed answer in the same order. It keeps no copy of
//! a key: equality looks at the rows again, which only candidates have to pay for.

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

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    next: u32,
}

/// The end of a chain.
const END: u32 = u32::MAX;
/// The mark of a row that matches nothing, because of a NULL in its key.
const ALONE: u32 = u32::MAX - 1;

/// Positions of the rows of the right side, by key.
#[derive(Debug, Default)]
pub(super) struct KeyIndex {
    heads: Vec<u32>,
    entries: Vec<Entry>,
    mask: u64,
}

impl KeyIndex {
    /// Indexes rows by the right-hand expressions of `keys`.
    pub(super) fn new(keys: &[JoinKey], rows: &[Row], env: &Env<'_>) -> Result<Self, SqlError> {
        if rows.len() >= ALONE as usize {
            return Err(SqlError::data("too many rows on one side of a join"));
        }
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            entries.push(match hash_of(keys, |key| &key.right, row, env)? {
                Some(hash) => Entry { hash, next: END },
                None => Entry { hash: 0, next: ALONE },
            });
        }
        let slots = rows.len().next_power_of_two();
        let mask = slots as u64 - 1;
        let mut heads = vec![END; slots];
        // Backwards, so that each chain ascends.
        for (at, entry) in entries.iter_mut().enumerate().rev() {
            if entry.next != ALONE {
                let head = &mut heads[(entry.hash & mask) as usize];
                entry.next = *head;
                *head = at as u32;
            }
        }
        Ok(Self { heads, entries, mask })
    }

    /// Positions of the rows that match a left row, ascending, into `found`.
    pub(super) fn find(
        &self,
        keys: &[JoinKey],
        row: &[Value],
        rows: &[Row],
        env: &Env<'_>,
        found: &mut Vec<usize>,
    ) -> Result<(), SqlError> {
        found.clear();
        if rows.is_empty() {
            return Ok(());
        }
        let Some(hash) = hash_of(keys, |key| &key.left, row, env)? else { return Ok(()) };
        let mut at = self.heads[(hash & self.mask) as usize];
        while at != END {
            let position = at as usize;
            let entry = self.entries[position];
            if entry.hash == hash && equal(keys, row, &rows[position], env)? {
                found.push(position);
            }
            at = entry.next;
        }
        Ok(())
    }
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
    // The low bits choose the slot; the multiplications have gathered what matters in the high.
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
        let mut found = vec![usize::MAX];
        index.find(&keys, std::slice::from_ref(probe), rows, &env, &mut found).unwrap();
        let matches = |row: &Row| row[0] == *probe && (null_matches || !probe.is_null());
        let expected: Vec<usize> = (0..rows.len()).filter(|at| matches(&rows[*at])).collect();
        prop_assert_eq!(found, expected);
        Ok(())
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
