//! Exact decimals: reading, rescaling, and range checks on `i128`.
//!
//! Nothing in here rounds except where a scale gets smaller, and nothing wraps.

use super::error::SqlError;
use crate::value::Numeric;

/// `10^exponent`; exponents go up to 38.
pub(super) fn power(exponent: u8) -> i128 {
    10_i128.pow(u32::from(exponent.min(38)))
}

/// The text for a value that does not fit.
pub(super) fn overflow(value: impl std::fmt::Display, target: impl std::fmt::Display) -> SqlError {
    SqlError::data(format!("numeric overflow: {value} is out of range for type {target}"))
}

/// Division that rounds half away from zero.
pub(super) fn divide_rounded(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    let away = rest.unsigned_abs() * 2 >= divisor.unsigned_abs();
    quotient + if away { value.signum() * divisor.signum() } else { 0 }
}

/// `a × b ÷ divisor`, rounded half away from zero; the product may be wider than `i128`. `None` if
/// the result is. The divisor is not zero and at most 10^38.
pub(super) fn multiply_divide(a: i128, b: i128, divisor: i128) -> Option<i128> {
    let negative = (a < 0) ^ (b < 0) ^ (divisor < 0);
    let (a, b, divisor) = (a.unsigned_abs(), b.unsigned_abs(), divisor.unsigned_abs());
    let (mut high, mut low) = wide_product(a, b);
    if high >= divisor {
        return None;
    }
    // Long division by bits: the rest stays below the divisor, which is below 2^127.
    let mut quotient = 0_u128;
    for _ in 0..128 {
        high = (high << 1) | (low >> 127);
        low <<= 1;
        quotient <<= 1;
        if high >= divisor {
            high -= divisor;
            quotient |= 1;
        }
    }
    let rounded = quotient.checked_add(u128::from(high * 2 >= divisor))?;
    let rounded = i128::try_from(rounded).ok()?;
    Some(if negative { -rounded } else { rounded })
}

/// The 256 bits of a product, upper half first.
fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const HALF: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & HALF, b >> 64, b & HALF);
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 64);
    let other = a_low * b_high + (middle & HALF);
    let high = a_high * b_high + (middle >> 64) + (other >> 64);
    (high, (other << 64) | (low & HALF))
}

/// Brings a value to `numeric(precision, scale)`.
pub(super) fn rescale(value: Numeric, precision: u8, scale: u8) -> Result<Numeric, SqlError> {
    let unscaled = if scale >= value.scale {
        value.unscaled.checked_mul(power(scale - value.scale))
    } else {
        Some(divide_rounded(value.unscaled, power(value.scale - scale)))
    };
    unscaled
        .filter(|unscaled| unscaled.unsigned_abs() < power(precision).unsigned_abs())
        .map(|unscaled| Numeric { unscaled, scale })
        .ok_or_else(|| overflow(value, format!("numeric({precision}, {scale})")))
}

/// Reads `[-+]digits[.digits]`; more than 38 digits after the point are cut off by rounding later.
pub(super) fn parse(text: &str) -> Option<Numeric> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let empty = whole.is_empty() && fraction.is_empty();
    if empty || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = u8::try_from(fraction.len()).ok().filter(|scale| *scale <= 38)?;
    let mut unscaled = 0_i128;
    for byte in whole.bytes().chain(fraction.bytes()) {
        unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    Some(Numeric { unscaled: if negative { -unscaled } else { unscaled }, scale })
}

/// The nearest `f64`.
pub(super) fn to_f64(value: Numeric) -> f64 {
    // Through text: dividing two rounded floats would round twice.
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// The decimal of that scale nearest to a float, before the precision check.
pub(super) fn from_f64(value: f64, scale: u8) -> Option<Numeric> {
    let scaled = value * 10_f64.powi(i32::from(scale));
    let inside = scaled.is_finite() && scaled.abs() < 1e38;
    inside.then(|| Numeric { unscaled: scaled.round() as i128, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_wider_than_a_word_divide_exactly() {
        let big = 10_i128.pow(37);
        for (a, b, divisor, expected) in [
            (big, big, big, Some(big)),
            (big * 9, 10, 9, Some(big * 10)),
            (-7, 1, 2, Some(-4)),
            (7, -1, -2, Some(4)),
            (1, 1, 3, Some(0)),
            (i128::MAX, i128::MAX, 1, None),
            (i128::MAX, i128::MAX, i128::MAX, Some(i128::MAX)),
            (0, big, 5, Some(0)),
        ] {
            assert_eq!(multiply_divide(a, b, divisor), expected, "{a} * {b} / {divisor}");
        }
    }

    #[test]
    fn reads_rounds_and_refuses() {
        for (text, precision, scale, expected) in [
            ("1.005", 12, 2, Some("1.01")),
            ("-1.005", 12, 2, Some("-1.01")),
            ("0.004", 3, 2, Some("0.00")),
            ("-0.5", 1, 0, Some("-1")),
            ("999.995", 5, 2, None),
            (".5", 2, 1, Some("0.5")),
            (
                "12345678901234567890123456789012345678",
                38,
                0,
                Some("12345678901234567890123456789012345678"),
            ),
            ("1", 38, 38, None),
        ] {
            let value = parse(text).unwrap();
            let scaled = rescale(value, precision, scale).ok().map(|value| value.to_string());
            assert_eq!(scaled.as_deref(), expected, "{text} as numeric({precision}, {scale})");
        }
        for text in ["", "-", ".", "1e5", "1.2.3", "abc", "1 2"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
