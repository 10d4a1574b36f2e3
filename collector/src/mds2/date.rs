//! Days as vendors write them.

use jiff::civil::Date;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Reads `2026-03-20`, `20.03.2026`, `20 March 2026`, `March 20, 2026` and `20-Mar-2026`.
/// With slashes day and month are told apart only where one is above 12; else `None`: a
/// person has to say which is which.
pub fn read(text: &str) -> Option<Date> {
    let text = text.trim();
    let day = text.get(..10).filter(|day| day.is_ascii());
    if let Some(Ok(date)) = day.map(str::parse::<Date>) {
        return Some(date);
    }
    let is_between = |c: char| !c.is_alphanumeric();
    let parts: Vec<&str> = text
        .split(is_between)
        .filter(|part| !part.is_empty())
        .collect();
    let [first, second, year] = parts[..] else {
        return None;
    };
    let year: i16 = year
        .parse()
        .ok()
        .filter(|year| (1990..3000).contains(year))?;
    let number = |text: &str| text.parse::<i8>().ok();
    let (day, month) = match (number(first), number(second)) {
        (Some(day), Some(month)) if text.contains('.') => (day, month),
        (Some(a), Some(b)) if a > 12 => (a, b),
        (Some(a), Some(b)) if b > 12 || a == b => (b, a),
        (Some(day), None) => (day, of_name(second)?),
        (None, Some(day)) => (day, of_name(first)?),
        _ => return None,
    };
    Date::new(year, month, day).ok()
}

fn of_name(text: &str) -> Option<i8> {
    let short: String = text.to_lowercase().chars().take(3).collect();
    let at = MONTHS.iter().position(|month| *month == short)?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_where_they_mean_one_thing() {
        for text in [
            "2026-03-20",
            "2026-03-20T00:00:00",
            "20.03.2026",
            "20 March 2026",
            "March 20, 2026",
            "20-Mar-2026",
            "3/20/2026",
            "20/03/2026",
        ] {
            assert_eq!(read(text), Date::new(2026, 3, 20).ok(), "{text}");
        }
        for text in ["", "03/04/2026", "2026", "31.02.2026", "soon", "1/2/3/2026"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
