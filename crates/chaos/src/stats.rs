//! The statistics behind every figure that the runner prints: intervals, bounds, comparisons.
//!
//! A rate without an interval is an anecdote, and "no failure seen" without an n is a wish. All of
//! it is plain arithmetic on counts, so that a report can be recomputed from its own numbers. This
//! file and `report/` are the only places of the crate with floating-point numbers: nothing that a
//! simulation decides may depend on one.

/// The share of the standard normal that a two-sided 95 % interval leaves on either side.
const Z_95: f64 = 1.959_963_984_540_054;
/// Halvings of [0, 1] in a bisection: past this the interval is below the resolution of an `f64`.
const BISECTIONS: usize = 200;
/// Terms of the continued fraction; it converges in some √n terms, so 10,000 serve n = 10^7.
const FRACTION_TERMS_MAX: usize = 10_000;

/// An interval for a rate, both ends in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The interval that knows nothing, given for n = 0.
    pub const UNKNOWN: Self = Self { low: 0.0, high: 1.0 };

    /// Both ends, rounded as reports show them.
    pub fn rounded(self) -> [f64; 2] {
        [rounded(self.low), rounded(self.high)]
    }
}

/// `part / whole`, and 0 where there is nothing to divide.
pub fn rate(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Six decimals: what a report shows, and what makes two reports comparable as text.
pub fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Wilson's score interval at 95 %: the one to show for a rate, as it never leaves 0..=1 and stays
/// honest at rates near 1.
pub fn wilson_95(successes: u64, n: u64) -> Interval {
    if n == 0 {
        return Interval::UNKNOWN;
    }
    let (count, p, z2) = (n as f64, rate(successes, n), Z_95 * Z_95);
    let scale = 1.0 + z2 / count;
    let centre = (p + z2 / (2.0 * count)) / scale;
    let half = Z_95 * (p * (1.0 - p) / count + z2 / (4.0 * count * count)).sqrt() / scale;
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == n { 1.0 } else { (centre + half).min(1.0) };
    Interval { low, high }
}

/// The exact interval of Clopper and Pearson at 95 %: the one to gate on, since it never covers
/// less than it says.
pub fn clopper_pearson_95(successes: u64, n: u64) -> Interval {
    if n == 0 {
        return Interval::UNKNOWN;
    }
    let (x, count) = (successes as f64, n as f64);
    let low = if successes == 0 {
        0.0
    } else {
        bisect(|p| regularised_beta(p, x, count - x + 1.0) - 0.025)
    };
    let high = if successes >= n {
        1.0
    } else {
        bisect(|p| regularised_beta(p, x + 1.0, count - x) - 0.975)
    };
    Interval { low, high }
}

/// The rate that is excluded at 95 % by n runs without a failure: 1 − 0.05^(1/n), about 3/n.
pub fn zero_failure_bound_95(n: u64) -> f64 {
    if n == 0 { 1.0 } else { -(0.05f64.ln() / n as f64).exp_m1() }
}

/// Good and Turing's estimate of the share of histories that were never seen: those seen exactly
/// once over all that were drawn. 1 where nothing was drawn.
pub fn unseen_estimate(singletons: u64, n: u64) -> f64 {
    if n == 0 { 1.0 } else { rate(singletons, n) }
}

/// McNemar's exact two-sided p for paired outcomes, of which only the disagreements count: how
/// often the first alone and how often the second alone succeeded. 1 where they never disagree.
pub fn mcnemar_exact(only_first: u64, only_second: u64) -> f64 {
    let n = only_first + only_second;
    if n == 0 {
        return 1.0;
    }
    let fewer = only_first.min(only_second);
    let log_half = -(n as f64) * std::f64::consts::LN_2;
    let tail: f64 = (0..=fewer).map(|k| (log_choose(n, k) + log_half).exp()).sum();
    (2.0 * tail).min(1.0)
}

/// The value of which `percent` of the sorted values are not greater (nearest rank); 0 for none.
pub fn quantile(sorted: &[u64], percent: u64) -> u64 {
    let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1);
    sorted.get(rank as usize - 1).copied().unwrap_or(0)
}

/// Where a function that rises from below to above zero over 0..=1 crosses it.
fn bisect(rising: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if rising(middle) < 0.0 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The regularised incomplete beta function I_x(a, b), for positive a and b: the probability that
/// a Beta(a, b) variable is at most x.
fn regularised_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast only left of the distribution's bulk; right of it, take the
    // mirror image.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - regularised_beta(1.0 - x, b, a);
    }
    let front = log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (-x).ln_1p();
    front.exp() * beta_fraction(x, a, b) / a
}

/// The continued fraction of the incomplete beta, evaluated from the front by running ratios of
/// its convergents.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut numerator_ratio = 1.0;
    let mut denominator_ratio = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = denominator_ratio;
    for term in 1..FRACTION_TERMS_MAX {
        let m = term as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for coefficient in [even, odd] {
            denominator_ratio = 1.0 / away_from_zero(1.0 + coefficient * denominator_ratio);
            numerator_ratio = away_from_zero(1.0 + coefficient / numerator_ratio);
            step = denominator_ratio * numerator_ratio;
            value *= step;
        }
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// ln Γ(x) for x > 0, by Stirling's series after shifting x past 15, where five terms are exact to
/// the last digits.
fn log_gamma(x: f64) -> f64 {
    let (mut shifted, mut correction) = (x, 0.0);
    while shifted < 15.0 {
        correction += shifted.ln();
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            - square
                * (1.0 / 360.0
                    - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0))));
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
        - correction
}

/// ln of the number of ways to choose k of n.
fn log_choose(n: u64, k: u64) -> f64 {
    log_gamma(n as f64 + 1.0) - log_gamma(k as f64 + 1.0) - log_gamma((n - k) as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[test]
    fn wilson_matches_published_values() {
        for (x, n, low, high) in [
            (8, 10, 0.490_16, 0.943_32),
            (0, 10, 0.0, 0.277_53),
            (10, 10, 0.722_47, 1.0),
            (50, 100, 0.403_83, 0.596_17),
        ] {
            let interval = wilson_95(x, n);
            close(interval.low, low, 1e-4);
            close(interval.high, high, 1e-4);
        }
        assert_eq!(wilson_95(0, 0), Interval::UNKNOWN);
    }

    #[test]
    fn clopper_pearson_matches_published_values() {
        for (x, n, low, high) in [
            (0, 10, 0.0, 0.308_50),
            (5, 10, 0.187_09, 0.812_91),
            (8, 10, 0.443_90, 0.974_79),
            (10, 10, 0.691_50, 1.0),
            (1, 100, 0.000_253, 0.054_459),
        ] {
            let interval = clopper_pearson_95(x, n);
            close(interval.low, low, 1e-4);
            close(interval.high, high, 1e-4);
        }
        assert_eq!(clopper_pearson_95(0, 0), Interval::UNKNOWN);
    }

    #[test]
    fn the_exact_interval_covers_its_own_tails() {
        // By definition: at the lower end, x or more has probability 2.5 %.
        for (x, n) in [(3u64, 40u64), (700, 1000), (9_990, 10_000)] {
            let low = clopper_pearson_95(x, n).low;
            let tail: f64 = (x..=n)
                .map(|k| {
                    (log_choose(n, k) + k as f64 * low.ln() + (n - k) as f64 * (-low).ln_1p()).exp()
                })
                .sum();
            close(tail, 0.025, 1e-6);
        }
    }

    #[test]
    fn zero_failures_of_59_exclude_five_percent() {
        close(zero_failure_bound_95(58), 0.050_34, 1e-4);
        close(zero_failure_bound_95(59), 0.049_51, 1e-4);
        close(zero_failure_bound_95(3000), 0.000_998, 1e-6);
        close(zero_failure_bound_95(0), 1.0, 0.0);
    }

    #[test]
    fn mcnemar_is_the_two_sided_sign_test() {
        close(mcnemar_exact(0, 6), 0.031_25, 1e-12);
        close(mcnemar_exact(2, 8), 0.109_375, 1e-12);
        close(mcnemar_exact(8, 2), 0.109_375, 1e-12);
        close(mcnemar_exact(5, 5), 1.0, 0.0);
        close(mcnemar_exact(0, 0), 1.0, 0.0);
        assert!(mcnemar_exact(3, 600) < 1e-100);
    }

    #[test]
    fn log_gamma_is_the_factorial_and_knows_the_half() {
        close(log_gamma(1.0), 0.0, 1e-12);
        close(log_gamma(11.0), 3_628_800.0f64.ln(), 1e-11);
        close(log_gamma(0.5), std::f64::consts::PI.sqrt().ln(), 1e-12);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&values, 50), 50);
        assert_eq!(quantile(&values, 99), 99);
        assert_eq!(quantile(&values, 100), 100);
        assert_eq!(quantile(&[7], 1), 7);
        assert_eq!(quantile(&[], 50), 0);
    }

    #[test]
    fn unseen_is_the_share_of_singletons() {
        close(unseen_estimate(3, 12), 0.25, 0.0);
        close(unseen_estimate(0, 0), 1.0, 0.0);
    }
}
