//! One root number, and named random streams that grow from it.
//!
//! Every use of chance draws from its own stream, keyed by a name. So another draw in one room of
//! the simulator does not shift the numbers of the others, and a seed stays a reproducer for as
//! long as the rooms keep their names. Nothing else in this crate may be random.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::ratio::Ratio;

/// The root of everything that is random in one run; shown as `51d0_09aa_7c3e_11f4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of that name: equal for equal seed and name, unrelated otherwise.
    pub fn stream(&self, name: &str) -> Stream {
        Stream { numbers: ChaCha8Rng::from_seed(self.key(name)) }
    }

    /// Another seed that depends on this one and on the name, for a part with streams of its own.
    pub fn child(&self, name: &str) -> Seed {
        let key = self.key(name);
        let mut first = [0u8; 8];
        first.copy_from_slice(&key[..8]);
        Seed(u64::from_be_bytes(first))
    }

    fn key(&self, name: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        hash.update(name.as_bytes());
        hash.finalize().into()
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (self.0 >> shift) & 0xffff);
        write!(f, "{a:04x}_{b:04x}_{c:04x}_{d:04x}")
    }
}

/// Why a text is no [`Seed`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no seed; write it decimal, as 0x…, or as four groups of hex such as \
         51d0_09aa_7c3e_11f4"
)]
pub struct SeedError(String);

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        let wrong = |_| SeedError(text.to_owned());
        let hex = |digits: &str| u64::from_str_radix(&digits.replace('_', ""), 16).map_err(wrong);
        let number = match text.strip_prefix("0x") {
            Some(digits) => hex(digits)?,
            None if text.contains('_') => hex(text)?,
            None => text.parse().map_err(wrong)?,
        };
        Ok(Seed(number))
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A stream of random numbers of one name.
#[derive(Clone, Debug)]
pub struct Stream {
    numbers: ChaCha8Rng,
}

impl Stream {
    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.numbers.next_u64()
    }

    /// A whole number below `bound`; 0 when `bound` is 0. The bias of the multiplication is below
    /// 2^-32 for every bound that a plan can hold.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the high half of a 128-bit product fits 64 bits")
    }

    /// A whole number of the range, both ends included.
    pub fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = (*range.start(), *range.end());
        assert!(low <= high, "the range {low}..={high} is empty");
        match (high - low).checked_add(1) {
            Some(count) => low + self.below(count),
            None => self.next_u64(),
        }
    }

    /// A time span of the range in whole milliseconds, both ends included.
    pub fn span(&mut self, low: Duration, high: Duration) -> Duration {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.range(millis(low)..=millis(high).max(millis(low))))
    }

    /// True with the given probability. Draws also when the answer is certain, so that changing a
    /// rate to 0 or 1 shifts nothing after it.
    pub fn chance(&mut self, of: Ratio) -> bool {
        self.below(u64::from(of.denominator)) < u64::from(of.numerator)
    }

    /// One of the items.
    ///
    /// # Panics
    /// When there are none: a plan with an empty choice is a bug of whoever resolved it.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "nothing to pick from");
        let at = usize::try_from(self.below(items.len() as u64)).expect("an index fits");
        &items[at]
    }

    /// Reorders the items, every order equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).expect("an index fits");
            items.swap(at, other);
        }
    }

    /// A lognormal time of the given mean and σ, cut to `min..=max`, in whole milliseconds.
    ///
    /// Here and in [`Stream::exponential`] is the only arithmetic with floats. It uses the basic operations and the square root
    /// alone, which IEEE 754 defines to the last bit: the libm of the platform may differ in `exp`
    /// and `ln`, and then a seed would not be the same run on the next machine.
    pub fn lognormal(
        &mut self,
        mean: Duration,
        sigma: Ratio,
        min: Duration,
        max: Duration,
    ) -> Duration {
        if sigma.is_zero() {
            return mean.clamp(min, max);
        }
        let sigma = f64::from(sigma.numerator) / f64::from(sigma.denominator);
        let normal = self.normal();
        let factor = exp(sigma * normal - sigma * sigma / 2.0);
        // Clamped before the conversion: a factor beyond the range of u64 saturates.
        let millis = (mean.as_millis() as f64 * factor).min(1.0e15) as u64;
        Duration::from_millis(millis).clamp(min, max)
    }

    /// The waiting time of a process without memory, such as restarts: exponential, whole
    /// milliseconds, at least one.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let unit = (1.0 + self.signed_unit()) / 2.0;
        let factor = -ln(unit.max(1.0e-15));
        let millis = (mean.as_millis() as f64 * factor).clamp(1.0, 1.0e15);
        Duration::from_millis(millis as u64)
    }

    /// A standard normal number by Marsaglia's polar method.
    fn normal(&mut self) -> f64 {
        loop {
            let u = self.signed_unit();
            let v = self.signed_unit();
            let square = u * u + v * v;
            if square > 0.0 && square < 1.0 {
                return u * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// Uniform in (-1, 1), on a grid of 2^-52.
    fn signed_unit(&mut self) -> f64 {
        let grid = (self.next_u64() >> 11) as f64;
        grid / (1u64 << 52) as f64 - 1.0
    }
}

/// e^x for moderate x: halved until the series converges fast, then squared back.
fn exp(x: f64) -> f64 {
    let mut halvings = 0;
    let mut small = x;
    while small.abs() > 0.125 {
        small /= 2.0;
        halvings += 1;
    }
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..=12 {
        term *= small / f64::from(n);
        sum += term;
    }
    for _ in 0..halvings {
        sum *= sum;
    }
    sum
}

/// ln x for x > 0: scaled into [0.75, 1.5) by powers of two, then the series of artanh.
fn ln(x: f64) -> f64 {
    let mut scaled = x;
    let mut twos = 0.0;
    while scaled < 0.75 {
        scaled *= 2.0;
        twos -= 1.0;
    }
    while scaled >= 1.5 {
        scaled /= 2.0;
        twos += 1.0;
    }
    let ratio = (scaled - 1.0) / (scaled + 1.0);
    let square = ratio * ratio;
    let mut power = ratio;
    let mut sum = 0.0;
    for n in 0..16 {
        sum += power / f64::from(2 * n + 1);
        power *= square;
    }
    2.0 * sum + twos * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_seed_is_read_in_three_spellings() {
        let seed = Seed(0x51d0_09aa_7c3e_11f4);
        for text in ["51d0_09aa_7c3e_11f4", "0x51d009aa7c3e11f4", "5895222540061512180"] {
            assert_eq!(text.parse(), Ok(seed), "{text}");
        }
        assert_eq!(seed.to_string(), "51d0_09aa_7c3e_11f4");
        assert!("no seed".parse::<Seed>().is_err());
    }

    #[test]
    fn streams_depend_on_the_name_and_on_nothing_else() {
        let seed = Seed(7);
        let mut first = seed.stream("delivery");
        let drawn: Vec<u64> = (0..4).map(|_| first.next_u64()).collect();
        let mut other = seed.stream("workload");
        assert_ne!(other.next_u64(), drawn[0]);
        let mut again = seed.stream("delivery");
        assert_eq!((0..4).map(|_| again.next_u64()).collect::<Vec<_>>(), drawn);
        assert_ne!(seed.child("a"), seed.child("b"));
    }

    /// The numbers of a stream are part of what a seed means: a change of the generator would make
    /// every saved seed another run, and must be seen in review.
    #[test]
    fn the_first_numbers_are_pinned() {
        let mut stream = Seed(0).stream("pinned");
        let drawn: Vec<String> = (0..3).map(|_| format!("{:016x}", stream.next_u64())).collect();
        insta::assert_snapshot!("stream_pinned", drawn.join("\n"));
    }

    #[test]
    fn own_exp_and_ln_agree_with_the_platform() {
        for step in 1..200 {
            let x = f64::from(step) / 20.0;
            assert!((ln(x) - x.ln()).abs() < 1e-12, "ln {x}");
            assert!((exp(x - 5.0) / (x - 5.0).exp() - 1.0).abs() < 1e-11, "exp {x}");
        }
    }

    #[test]
    fn lognormal_has_the_mean_that_was_asked_for() {
        let mut stream = Seed(3).stream("latency");
        let [mean, min, max] = [20_000, 0, 100_000_000].map(Duration::from_millis);
        let sigma = Ratio { numerator: 4, denominator: 5 };
        let total: Duration = (0..20_000).map(|_| stream.lognormal(mean, sigma, min, max)).sum();
        let average = total.as_millis() / 20_000;
        assert!((19_000..=21_000).contains(&average), "mean {average} ms");
        let total: Duration = (0..20_000).map(|_| stream.exponential(mean)).sum();
        let average = total.as_millis() / 20_000;
        assert!((19_000..=21_000).contains(&average), "mean wait {average} ms");
    }

    proptest! {
        #[test]
        fn range_stays_inside(seed: u64, low in 0u64..100, width in 0u64..1000) {
            let mut stream = Seed(seed).stream("range");
            for _ in 0..20 {
                let drawn = stream.range(low..=low + width);
                prop_assert!((low..=low + width).contains(&drawn));
            }
        }

        #[test]
        fn a_shuffle_keeps_every_item(seed: u64, count in 0usize..30) {
            let mut items: Vec<usize> = (0..count).collect();
            Seed(seed).stream("shuffle").shuffle(&mut items);
            items.sort_unstable();
            prop_assert_eq!(items, (0..count).collect::<Vec<_>>());
        }
    }
}
