//! CityHash64 of version 1.0, which CITY_HASH and HASH are made of for TEXT.
//!
//! Which version it is shows the example of the vendor's page: the hashes of its two texts, combined
//! by CityHash's own combinator, are the number it prints. For other types the page says
//! "implementation-specific": those are refused, not guessed. Arithmetic wraps, as the definition
//! has it.

use sqlparser::ast;

use super::bind::Binder;
use super::error::SqlError;
use super::expr::Expr;
use super::function::Function;
use super::scope::{Scope, Typed};
use crate::value::{DataType, Value};

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;
const COMBINE: u64 = 0x9ddf_ea08_eb38_2d69;

/// What HASH takes NULL for: the only number with which the vendor's example of
/// `HASH(NULL, '08-25-2016')` comes out, because the combinator can be undone.
const NULL_HASH: u64 = 0xd5e1_e27a_1ab9_b879;

impl<'b> Binder<'b> {
    /// Binds CITY_HASH or HASH.
    pub(super) fn hash_call(
        &self,
        name: &str,
        list: &[&'b ast::Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut nullable = false;
        let mut exprs = Vec::new();
        for argument in list {
            let typed = self.expr(argument, scope)?;
            if !matches!(typed.data_type, DataType::Text | DataType::Null) {
                return Err(SqlError::unsupported(format!("{name} of {}", typed.data_type)));
            }
            nullable |= typed.nullable;
            exprs.push(typed.expr);
        }
        let function = if name == "hash" { Function::Hash } else { Function::CityHash };
        nullable &= function == Function::CityHash;
        Ok(Typed::new(Expr::Call(function, exprs), DataType::Bigint, nullable))
    }
}

/// The hash of several values: each is combined with what came of those before it.
pub(super) fn hash_all(values: &[Value]) -> Result<Value, SqlError> {
    let mut all = None;
    for value in values {
        let hash = match value {
            Value::Text(text) => hash(text.as_bytes()),
            Value::Null => NULL_HASH,
            _ => return Err(SqlError::internal("a hash of what is not text")),
        };
        all = Some(all.map_or(hash, |all| combine(all, hash)));
    }
    Ok(all.map_or(Value::Null, |all| Value::Bigint(all as i64)))
}

fn combine(low: u64, high: u64) -> u64 {
    let a = mix((low ^ high).wrapping_mul(COMBINE));
    let b = mix((high ^ a).wrapping_mul(COMBINE));
    b.wrapping_mul(COMBINE)
}

fn mix(value: u64) -> u64 {
    value ^ value >> 47
}

/// Eight bytes from that place on, the lowest first.
fn eight(bytes: &[u8], at: usize) -> u64 {
    (0..8).rev().fold(0, |value, place| value << 8 | u64::from(bytes[at + place]))
}

fn four(bytes: &[u8], at: usize) -> u64 {
    (0..4).rev().fold(0, |value, place| value << 8 | u64::from(bytes[at + place]))
}

fn hash(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0 => K2,
        1..=3 => {
            let (first, middle) = (u64::from(bytes[0]), u64::from(bytes[bytes.len() / 2]));
            let last = u64::from(bytes[bytes.len() - 1]);
            let y = first + (middle << 8);
            let z = bytes.len() as u64 + (last << 2);
            mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K3)).wrapping_mul(K2)
        }
        length @ 4..=8 => combine(length as u64 + (four(bytes, 0) << 3), four(bytes, length - 4)),
        length @ 9..=16 => {
            let last = eight(bytes, length - 8);
            let turned = last.wrapping_add(length as u64).rotate_right(length as u32);
            combine(eight(bytes, 0), turned) ^ last
        }
        17..=32 => up_to_32(bytes),
        33..=64 => up_to_64(bytes),
        _ => beyond_64(bytes),
    }
}

fn up_to_32(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let a = eight(bytes, 0).wrapping_mul(K1);
    let b = eight(bytes, 8);
    let c = eight(bytes, length - 8).wrapping_mul(K2);
    let d = eight(bytes, length - 16).wrapping_mul(K0);
    let low = a.wrapping_sub(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let high = a.wrapping_add((b ^ K3).rotate_right(20)).wrapping_sub(c);
    combine(low, high.wrapping_add(length as u64))
}

/// Half of what 33 to 64 bytes are hashed by: 32 of them, begun with `a` and `z`.
fn half(bytes: &[u8], a: u64, z: u64, at: usize) -> (u64, u64) {
    let b = a.wrapping_add(z).rotate_right(52);
    let c = a.rotate_right(37);
    let a = a.wrapping_add(eight(bytes, at + 8));
    let c = c.wrapping_add(a.rotate_right(7));
    let a = a.wrapping_add(eight(bytes, at + 16));
    (a.wrapping_add(z), b.wrapping_add(a.rotate_right(31)).wrapping_add(c))
}

fn up_to_64(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let tail = eight(bytes, length - 16);
    let a = eight(bytes, 0).wrapping_add((length as u64).wrapping_add(tail).wrapping_mul(K0));
    let v = half(bytes, a, eight(bytes, 24), 0);
    let a = eight(bytes, 16).wrapping_add(eight(bytes, length - 32));
    let w = half(bytes, a, eight(bytes, length - 8), length - 32);
    let vw = v.0.wrapping_add(w.1).wrapping_mul(K2);
    let wv = w.0.wrapping_add(v.1).wrapping_mul(K0);
    let r = mix(vw.wrapping_add(wv));
    mix(r.wrapping_mul(K0).wrapping_add(v.1)).wrapping_mul(K2)
}

/// 32 bytes, begun with `a` and `b`.
fn weak(bytes: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let last = eight(bytes, at + 24);
    let a = a.wrapping_add(eight(bytes, at));
    let b = b.wrapping_add(a).wrapping_add(last).rotate_right(21);
    let all = a.wrapping_add(eight(bytes, at + 8)).wrapping_add(eight(bytes, at + 16));
    let b = b.wrapping_add(all.rotate_right(44));
    (all.wrapping_add(last), b.wrapping_add(a))
}

fn beyond_64(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let mut y = eight(bytes, length - 16) ^ K1;
    let mut z = eight(bytes, length - 56) ^ K0;
    let mut v = weak(bytes, length - 64, length as u64, y);
    let mut w = weak(bytes, length - 32, (length as u64).wrapping_mul(K1), K0);
    z = z.wrapping_add(mix(v.1).wrapping_mul(K1));
    let mut x = z.wrapping_add(eight(bytes, 0)).rotate_right(39).wrapping_mul(K1);
    y = y.rotate_right(33).wrapping_mul(K1);
    for at in (0..(length - 1) & !63).step_by(64) {
        let sum = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(eight(bytes, at + 16));
        x = sum.rotate_right(37).wrapping_mul(K1) ^ w.1;
        let sum = y.wrapping_add(v.1).wrapping_add(eight(bytes, at + 48));
        y = sum.rotate_right(42).wrapping_mul(K1) ^ v.0;
        z = (z ^ w.0).rotate_right(33);
        v = weak(bytes, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(bytes, at + 32, z.wrapping_add(w.1), y);
        std::mem::swap(&mut z, &mut x);
    }
    let low = combine(v.0, w.0).wrapping_add(mix(y).wrapping_mul(K1)).wrapping_add(z);
    combine(low, combine(v.1, w.1).wrapping_add(x))
}
