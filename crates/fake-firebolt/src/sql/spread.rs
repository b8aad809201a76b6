//! Statistics of a list of doubles: variance, standard deviation, percentiles.
//!
//! The list has no NULLs; an empty one, or one too short for the divisor, is NULL.

use crate::value::Value;

fn doubles(list: &[Value]) -> Vec<f64> {
    let double = |value: &Value| match value {
        Value::Double(value) => Some(*value),
        _ => None,
    };
    list.iter().filter_map(double).collect()
}

fn squared_deviation(values: &[f64], correction: usize) -> Option<f64> {
    if values.len() <= correction {
        return None;
    }
    // Welford: the naive difference of sums loses every digit for large values close together.
    let (mut mean, mut sum) = (0.0, 0.0);
    for (count, value) in (1_u32..).zip(values) {
        let before = value - mean;
        mean += before / f64::from(count);
        sum += before * (value - mean);
    }
    Some(sum / (values.len() - correction) as f64)
}

/// Variance with a divisor of the number of values less `correction`; NaN if one is infinite.
pub(super) fn variance(list: &[Value], correction: usize) -> Value {
    squared_deviation(&doubles(list), correction).map_or(Value::Null, Value::Double)
}

/// The square root of [`variance`].
pub(super) fn deviation(list: &[Value], correction: usize) -> Value {
    let variance = squared_deviation(&doubles(list), correction);
    variance.map_or(Value::Null, |variance| Value::Double(variance.sqrt()))
}

/// The value at a fraction of the sorted list, interpolated between its two neighbours.
pub(super) fn percentile(list: &[Value], fraction: f64, descending: bool) -> Value {
    let mut sorted = list.to_vec();
    sorted.sort();
    if descending {
        sorted.reverse();
    }
    let values = doubles(&sorted);
    let Some(last) = values.len().checked_sub(1) else { return Value::Null };
    let place = 1.0 + fraction * last as f64;
    let (low, high) = (place.floor(), place.ceil());
    let at = |place: f64| values[(place as usize).saturating_sub(1).min(last)];
    if low == high {
        return Value::Double(at(place));
    }
    Value::Double((high - place) * at(low) + (place - low) * at(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[f64]) -> Vec<Value> {
        values.iter().copied().map(Value::Double).collect()
    }

    #[test]
    fn percentiles_interpolate() {
        for (values, fraction, descending, expected) in [
            (&[10.0, 20.0, 30.0][..], 0.4, false, Value::Double(18.0)),
            (&[10.0, 20.0, 30.0], 0.4, true, Value::Double(22.0)),
            (&[5.0, 1.0], 0.5, false, Value::Double(3.0)),
            (&[7.0], 1.0, false, Value::Double(7.0)),
            (&[], 0.5, false, Value::Null),
        ] {
            assert_eq!(percentile(&list(values), fraction, descending), expected, "{values:?}");
        }
    }

    #[test]
    fn variance_of_large_values_keeps_its_digits() {
        let shifted = list(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(variance(&shifted, 1), Value::Double(30.0));
        assert_eq!(variance(&list(&[1.0]), 1), Value::Null);
        assert_eq!(variance(&list(&[1.0]), 0), Value::Double(0.0));
        assert_eq!(deviation(&list(&[f64::INFINITY, 1.0]), 1), Value::Double(f64::NAN));
    }
}
