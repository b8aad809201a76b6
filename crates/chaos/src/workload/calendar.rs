//! Dates from day numbers: for object keys, and for rows as text. Nothing here reads a clock.

/// Year, month, day of a day number since 1970-01-01, in the proleptic Gregorian calendar. Years
/// are counted from March, so that the leap day ends one.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `2025-11-11`.
pub(super) fn date(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2025-11-11 10:00:00`, with six decimals only where there is a fraction.
pub(super) fn timestamp(micros: i64) -> String {
    let (days, in_day) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (seconds, fraction) = (in_day / 1_000_000, in_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = format!("{} {hour:02}:{minute:02}:{second:02}", date(days));
    if fraction == 0 { text } else { format!("{text}.{fraction:06}") }
}

/// `2025/11/11/20251111-100000123`: folder and stem of a DMS file closed at that time.
pub(super) fn object_stem(millis: i64) -> String {
    let (year, month, day) = civil(millis.div_euclid(86_400_000));
    let in_day = millis.rem_euclid(86_400_000);
    let (seconds, millis) = (in_day / 1000, in_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}/{month:02}/{day:02}/\
         {year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}{millis:03}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (days, text) in
            [(0, "1970-01-01"), (-1, "1969-12-31"), (19_782, "2024-02-29"), (20_403, "2025-11-11")]
        {
            assert_eq!(date(days), text);
        }
        assert_eq!(timestamp(1_762_855_200_000_500), "2025-11-11 10:00:00.000500");
        assert_eq!(object_stem(1_762_855_200_123), "2025/11/11/20251111-100000123");
        assert_eq!(object_stem(1_709_164_800_000 + 86_399_999), "2024/02/29/20240229-235959999");
    }
}
