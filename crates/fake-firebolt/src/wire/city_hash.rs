//! CityHash128 in the version 1.0.2 that ClickHouse's block format has for its checksums
//! (firebolt-wire §5.4). Later versions give other numbers, and JDBC refuses a block whose checksum
//! is not this one. Written from the published algorithm; the test's numbers are those of another
//! implementation.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;

/// Two halves: a seed, a result, or a state on the way.
type Pair = (u64, u64);

/// The hash; its first half stands first in a block.
pub(super) fn city_hash_128(bytes: &[u8]) -> Pair {
    let length = bytes.len();
    if length >= 16 {
        let seed = (word(bytes, 0) ^ K3, word(bytes, 8));
        seeded(&bytes[16..], seed)
    } else if length >= 8 {
        let seed =
            (word(bytes, 0) ^ (length as u64).wrapping_mul(K0), word(bytes, length - 8) ^ K1);
        seeded(&[], seed)
    } else {
        seeded(bytes, (K0, K1))
    }
}

/// Eight bytes from there on; what is looked at is always inside.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn half_word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 4].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn shift_mix(value: u64) -> u64 {
    value ^ value >> 47
}

/// One word of two.
fn folded(first: u64, second: u64) -> u64 {
    const MULTIPLIER: u64 = 0x9ddf_ea08_eb38_2d69;
    let a = shift_mix((first ^ second).wrapping_mul(MULTIPLIER));
    let b = shift_mix((second ^ a).wrapping_mul(MULTIPLIER));
    b.wrapping_mul(MULTIPLIER)
}

/// At most sixteen bytes.
fn short(bytes: &[u8]) -> u64 {
    let length = bytes.len() as u64;
    match bytes.len() {
        0 => K2,
        1..4 => {
            let byte = |at: usize| u64::from(bytes[at]);
            let y = byte(0) + (byte(bytes.len() / 2) << 8);
            let z = length + (byte(bytes.len() - 1) << 2);
            shift_mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K3)).wrapping_mul(K2)
        }
        4..=8 => {
            let first = half_word(bytes, 0) << 3;
            folded(length.wrapping_add(first), half_word(bytes, bytes.len() - 4))
        }
        _ => {
            let last = word(bytes, bytes.len() - 8);
            let turned = last.wrapping_add(length).rotate_right(bytes.len() as u32);
            folded(word(bytes, 0), turned) ^ last
        }
    }
}

/// Thirty-two bytes from there on, mixed into two words.
fn weak(bytes: &[u8], at: usize, mut a: u64, mut b: u64) -> Pair {
    let [w, x, y, z] = [0, 8, 16, 24].map(|offset| word(bytes, at + offset));
    a = a.wrapping_add(w);
    b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    a = a.wrapping_add(x).wrapping_add(y);
    b = b.wrapping_add(a.rotate_right(44));
    (a.wrapping_add(z), b.wrapping_add(c))
}

fn seeded(bytes: &[u8], seed: Pair) -> Pair {
    if bytes.len() < 128 { murmur(bytes, seed) } else { long(bytes, seed) }
}

/// Fewer than 128 bytes.
fn murmur(bytes: &[u8], (mut a, mut b): Pair) -> Pair {
    let length = bytes.len();
    let (mut c, mut d);
    if length <= 16 {
        a = shift_mix(a.wrapping_mul(K1)).wrapping_mul(K1);
        c = b.wrapping_mul(K1).wrapping_add(short(bytes));
        d = shift_mix(a.wrapping_add(if length >= 8 { word(bytes, 0) } else { c }));
    } else {
        c = folded(word(bytes, length - 8).wrapping_add(K1), a);
        d = folded(b.wrapping_add(length as u64), c.wrapping_add(word(bytes, length - 16)));
        a = a.wrapping_add(d);
        let mix = |at: usize| shift_mix(word(bytes, at).wrapping_mul(K1)).wrapping_mul(K1);
        // The last sixteen are in already, so that a rest of them is passed over.
        for at in (0..length - 16).step_by(16) {
            a = (a ^ mix(at)).wrapping_mul(K1);
            b ^= a;
            c = (c ^ mix(at + 8)).wrapping_mul(K1);
            d ^= c;
        }
    }
    a = folded(a, c);
    b = folded(d, b);
    (a ^ b, folded(b, a))
}

/// The state of a long hash.
struct Long {
    x: u64,
    y: u64,
    z: u64,
    v: Pair,
    w: Pair,
}

impl Long {
    /// Takes in 64 bytes.
    fn round(&mut self, bytes: &[u8], at: usize) {
        let Self { x, y, z, v, w } = self;
        let sum = x.wrapping_add(*y).wrapping_add(v.0).wrapping_add(word(bytes, at + 16));
        *x = sum.rotate_right(37).wrapping_mul(K1) ^ w.1;
        let sum = y.wrapping_add(v.1).wrapping_add(word(bytes, at + 48));
        *y = sum.rotate_right(42).wrapping_mul(K1) ^ v.0;
        *z = (*z ^ w.0).rotate_right(33);
        *v = weak(bytes, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        *w = weak(bytes, at + 32, z.wrapping_add(w.1), *y);
        std::mem::swap(z, x);
    }

    /// Takes in the 32 bytes of the rest that end there.
    fn tail(&mut self, bytes: &[u8], at: usize) {
        let Self { x, y, v, w, .. } = self;
        *y = y.wrapping_sub(*x).rotate_right(42).wrapping_mul(K0).wrapping_add(v.1);
        w.0 = w.0.wrapping_add(word(bytes, at + 16));
        *x = x.rotate_right(49).wrapping_mul(K0).wrapping_add(w.0);
        w.0 = w.0.wrapping_add(v.0);
        *v = weak(bytes, at, v.0, v.1);
    }
}

fn long(bytes: &[u8], (x, y): Pair) -> Pair {
    let z = (bytes.len() as u64).wrapping_mul(K1);
    let first = (y ^ K1).rotate_right(49).wrapping_mul(K1).wrapping_add(word(bytes, 0));
    let second = first.rotate_right(42).wrapping_mul(K1).wrapping_add(word(bytes, 8));
    let w = (
        y.wrapping_add(z).rotate_right(35).wrapping_mul(K1).wrapping_add(x),
        x.wrapping_add(word(bytes, 88)).rotate_right(53).wrapping_mul(K1),
    );
    let mut state = Long { x, y, z, v: (first, second), w };
    let whole = bytes.len() / 128 * 128;
    for at in (0..whole).step_by(64) {
        state.round(bytes, at);
    }
    let Long { x, y, z, v, w } = &mut state;
    *y = y.wrapping_add(w.0.rotate_right(37).wrapping_mul(K0)).wrapping_add(*z);
    *x = x.wrapping_add(v.0.wrapping_add(*z).rotate_right(49).wrapping_mul(K0));
    // From the end on, reaching back into what is in already where the rest is no multiple of 32.
    for done in (32..(bytes.len() - whole).next_multiple_of(32) + 1).step_by(32) {
        state.tail(bytes, bytes.len() - done);
    }
    let Long { x, y, v, w, .. } = state;
    let (x, y) = (folded(x, v.0), folded(y, w.0));
    (
        folded(x.wrapping_add(v.1), w.1).wrapping_add(y),
        folded(x.wrapping_add(w.1), y.wrapping_add(v.1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_another_implementation() {
        let bytes: Vec<u8> = (0..1_000_u32).map(|n| ((n * 7 + 3) % 251) as u8).collect();
        for (length, expected) in [
            (0, "3df09dfc64c09a2b 3cb540c392e51e29"),
            (1, "39379490ccb55d55 2af2b13064cd571f"),
            (3, "3108fa6b1da16986 32301bf0c250612d"),
            (4, "2321e75aee8d6c41 cea6b327f605358d"),
            (7, "9ef90f69597e95c7 4987956c9782ee8f"),
            (8, "b6ad7c9a5953432f 9f0e02109921888c"),
            (9, "5601ccf1e058519a f8512fca28333fef"),
            (15, "5a8299d8ab8f2f47 8ea0a478a90d3277"),
            (16, "21e79cab7f9c2b79 a35615c235313f7a"),
            (17, "0cd5bb13faea6e4c 32bf719178f6bbfe"),
            (24, "11cc4c88526863b8 3292188780f057f0"),
            (31, "6e4f70325ec27ffc 9a23a7e9f0b515e0"),
            (32, "67cfab8404eec7e9 80cd3c27f5bd61ee"),
            (33, "094bbf1d5b6ddb61 10572bd58efa7aaf"),
            (48, "df591506cc3edd55 4d986a3c2d109971"),
            (64, "9962ac3c360cd25e 461a4dd444f4ab26"),
            (127, "55e007a5488e6a51 bf49bf6ee9bb75e3"),
            (128, "0c58563baf04cf17 4e9b14077ea48421"),
            (143, "90ed9da99e42d8d6 bf2f62d71476a694"),
            (144, "23d4e55b8404250b e0017edb052465f0"),
            (145, "992b397575e3e447 98b9089a1656d1c3"),
            (160, "8b778696bce92576 83ea4a222ab57e93"),
            (200, "ee3d6499026c6ebc 38592b6f14ccd4e6"),
            (255, "a48d2e3996a51871 1604f0c9baa64867"),
            (256, "b92030e0aa944f01 1b4aabf33c5266c6"),
            (271, "613a07fa8d209c33 4a6ea57ff74b936d"),
            (272, "c311386cb6332c09 df8b5f8d151facfc"),
            (273, "ce26d1ea33c38570 8628fd8075d39b71"),
            (300, "499b9ee6cc46f477 8e409f5e6d0786ea"),
            (400, "acf13113c3fc464d 34c5e1988d8055b3"),
            (1000, "de828a038aa55521 b07137e43cb72327"),
        ] {
            let (first, second) = city_hash_128(&bytes[..length]);
            assert_eq!(format!("{first:016x} {second:016x}"), expected, "{length} bytes");
        }
    }
}
