//! When something happens again and again, as people say it: "every Tuesday at 02:00". What comes of it
//! is an expression as windows keep it, and is shown in words again.

/// What can be said.
const SAY: &str = "say days and a time, such as \"every day at 02:00\", \"weekdays at 22:30\", \"Tuesday and \
                   Thursday at 02:00\", \"second Tuesday of the month at 02:00\", \"15th of the month at \
                   02:00\"; or write minute, hour, day of month, month and weekday as cron does";
/// How many fields an expression has.
const FIELDS: usize = 5;
/// The weekdays, as expressions name them.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// The weeks of a month: both day of month and weekday must fit.
const WEEKS: [(&str, &str); 4] = [
    ("first", "1-7"),
    ("second", "8-14"),
    ("third", "15-21"),
    ("fourth", "22-28"),
];
/// Days of the longest month.
const MOST_DAYS: u32 = 31;

/// The expression that `text` means; one that is an expression stays as it is.
///
/// # Errors
/// What can be said, where nobody understands it.
pub fn rule(text: &str) -> Result<String, String> {
    let is_expression = text.split_whitespace().count() == FIELDS
        && text
            .trim_start()
            .starts_with(|c: char| c == '*' || c.is_ascii_digit())
        && !text.contains(':');
    if is_expression {
        return Ok(text.to_owned());
    }
    let said = text.trim().to_lowercase();
    let not_understood = || format!("{text:?} is not understood: {SAY}");
    let (days, time) = said.rsplit_once("at ").ok_or_else(not_understood)?;
    let (hour, minute) = time_of(time).ok_or_else(|| {
        format!(
            "{:?} is no time of the day: write it as 02:00 or 22:30",
            time.trim()
        )
    })?;
    if days.contains("last ") {
        return Err(
            "the last weekday of a month has no days of its own: say \"fourth\", or make a window \
             for each length of month"
                .to_owned(),
        );
    }
    let (day, weekday) = days_of(days).ok_or_else(not_understood)?;
    Ok(format!("{minute} {hour} {day} * {weekday}"))
}

fn time_of(text: &str) -> Option<(u32, u32)> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}

/// Day of month and weekday.
fn days_of(text: &str) -> Option<(String, String)> {
    let (text, is_of_month) = ["of the month", "of every month", "of each month"]
        .iter()
        .find_map(|end| text.trim().strip_suffix(end))
        .map_or((text, false), |text| (text, true));
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !matches!(*word, "" | "every" | "each" | "on" | "the" | "and"))
        .collect();
    let every = || "*".to_owned();
    match words[..] {
        ["day" | "days" | "daily" | "night" | "nights"] if !is_of_month => Some((every(), every())),
        ["weekday" | "weekdays"] if !is_of_month => Some((every(), "Mon-Fri".to_owned())),
        ["weekend" | "weekends"] if !is_of_month => Some((every(), "Sat,Sun".to_owned())),
        [week, day] if WEEKS.iter().any(|(name, _)| *name == week) => {
            let days = WEEKS.iter().find(|(name, _)| *name == week)?.1;
            Some((days.to_owned(), weekday(day)?.to_owned()))
        }
        [] => None,
        ref words => {
            let numbers: Option<Vec<String>> =
                words.iter().map(|word| day_of_month(word)).collect();
            if let Some(numbers) = numbers {
                return Some((numbers.join(","), every()));
            }
            let days: Option<Vec<&str>> = words.iter().map(|word| weekday(word)).collect();
            days.filter(|_| !is_of_month)
                .map(|days| (every(), days.join(",")))
        }
    }
}

/// A weekday by at least three of its letters, one or several.
fn weekday(word: &str) -> Option<&'static str> {
    const WHOLE: [&str; 7] = [
        "mondays",
        "tuesdays",
        "wednesdays",
        "thursdays",
        "fridays",
        "saturdays",
        "sundays",
    ];
    let at = WHOLE
        .iter()
        .position(|whole| word.len() >= 3 && whole.starts_with(word))?;
    Some(WEEKDAYS[at])
}

/// `1st` to `31st`.
fn day_of_month(word: &str) -> Option<String> {
    let digits = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|end| word.strip_suffix(end))?;
    let number: u32 = digits.parse().ok()?;
    (1..=MOST_DAYS)
        .contains(&number)
        .then(|| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_say_becomes_an_expression() {
        for (said, expression) in [
            ("every day at 02:00", "0 2 * * *"),
            ("Daily at 2:30", "30 2 * * *"),
            ("weekdays at 22:30", "30 22 * * Mon-Fri"),
            ("on weekends at 06:00", "0 6 * * Sat,Sun"),
            ("every Tuesday at 02:00", "0 2 * * Tue"),
            ("Tue, Thu and Saturdays at 02:00", "0 2 * * Tue,Thu,Sat"),
            ("second Tuesday of the month at 02:00", "0 2 8-14 * Tue"),
            ("the fourth Sunday at 03:15", "15 3 22-28 * Sun"),
            (
                "on the 1st and 15th of every month at 00:05",
                "5 0 1,15 * *",
            ),
            ("0 2 8-14 * Tue", "0 2 8-14 * Tue"),
            ("*/5 2 * * *", "*/5 2 * * *"),
        ] {
            assert_eq!(rule(said).as_deref(), Ok(expression), "{said}");
        }
    }

    #[test]
    fn what_nobody_understands_is_told_what_can_be_said() {
        for (said, why) in [
            ("", "say days and a time"),
            ("Tuesday", "say days and a time"),
            ("at 02:00", "say days and a time"),
            ("Tuesday at 25:00", "no time of the day"),
            ("Tuesday at two", "no time of the day"),
            ("32nd of the month at 02:00", "say days and a time"),
            ("Tuesday of the month at 02:00", "say days and a time"),
            ("someday at 02:00", "say days and a time"),
            ("last Friday at 02:00", "say \"fourth\""),
        ] {
            let told = rule(said).unwrap_err();
            assert!(told.contains(why), "{said:?}: {told}");
        }
    }
}
