//! `collector.toml` as the collector writes it: the shipped file with its comments, and in it what
//! was chosen.

use super::Settings;
use toml::Table;

/// The file that is shipped; it says the defaults.
const SHIPPED: &str = include_str!("../../../configs/collector.toml");

impl Settings {
    /// These settings as a file, with the comments of the shipped one.
    ///
    /// # Errors
    /// Where the file could not be written, or would be read as other settings than these.
    pub fn written(&self) -> Result<String, String> {
        let written = self.filled().and_then(|(mut text, rest)| {
            if !rest.is_empty() {
                text.push('\n');
                text.push_str(&toml::to_string(&rest)?);
            }
            Ok(text)
        });
        let text = written.map_err(|error| error.to_string())?;
        match Self::parse(text.as_bytes()) {
            Ok(read) if read == *self => Ok(text),
            Ok(_) => Err("what was written would be read as other settings".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The shipped file with each setting in its line, and those that have none.
    fn filled(&self) -> Result<(String, Table), toml::ser::Error> {
        let mut values = Table::try_from(self)?;
        let mut text = String::new();
        for line in SHIPPED.lines() {
            let key = key_of(line).unwrap_or_default();
            match values.remove(key) {
                Some(value) => text.push_str(&format!("{key} = {value}")),
                None => text.push_str(line),
            }
            text.push('\n');
        }
        Ok((text, values))
    }
}

/// What a line sets, or shows how to set.
fn key_of(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    line.split_once(" = ").map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RelaySetting, SecondFactor};
    use patchward_common::id::Name;
    use patchward_log::Form;
    use std::net::SocketAddr;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// Settings of which none is as it is shipped.
    fn chosen() -> Settings {
        let text = |text: &str| Some(text.to_owned());
        Settings {
            name: name("north"),
            listen: SocketAddr::from(([10, 0, 0, 1], 1)),
            listen_tcp: true,
            addresses: ["a:1", "[::1]:2"].map(String::from).into(),
            database: text("postgres://u:p\"'ä=#@h/d?x=1"),
            pace_seconds: 7,
            log: Form::Json,
            web_listen: Some(SocketAddr::from(([10, 0, 0, 1], 2))),
            web_address: text("https://a:2"),
            web_certificate: Some("/x y/crt".into()),
            web_key: Some("/x\\y/key".into()),
            second_factor: SecondFactor::Offered,
            smtp_server: text("m:25"),
            smtp_from: text("a@b"),
            smtp_user: text("u"),
            smtp_password_file: Some("/p".into()),
            backup_folder: Some("/b".into()),
            backup_keep: 3,
            oidc_issuer: text("https://i"),
            oidc_client: text("c"),
            oidc_secret_file: Some("/s".into()),
            oidc_title: "Klinik \"Nord\"".into(),
            oidc_second_factor_acr: vec!["two".into()],
            relays: vec![RelaySetting {
                name: name("site-b"),
                address: "r:3".into(),
                site: None,
                units: vec![name("icu-3")],
            }],
        }
    }

    #[test]
    fn defaults_are_written_as_the_shipped_file() {
        assert_eq!(Settings::default().written().unwrap(), SHIPPED);
    }

    #[test]
    fn what_was_chosen_stands_in_the_line_that_explains_it() {
        let chosen = chosen();
        let text = chosen.written().unwrap();
        assert_eq!(Settings::parse(text.as_bytes()).unwrap(), chosen);
        // Every setting has its line in the shipped file; tables stand at the end.
        let (filled, rest) = chosen.filled().unwrap();
        assert_eq!(rest.keys().collect::<Vec<_>>(), ["relays"]);
        let comments = |text: &str| -> Vec<String> {
            let comments = text.lines().filter(|line| key_of(line).is_none());
            comments.map(str::to_owned).collect()
        };
        assert_eq!(comments(&filled), comments(SHIPPED));
        let (_, line) = text.split_once("`init` fills it in.").unwrap();
        let (_, line) = line.split_once('\n').unwrap();
        let line = line.lines().find(|line| !line.starts_with('#'));
        assert_eq!(line, Some("addresses = [\"a:1\", \"[::1]:2\"]"));
    }

    /// As docs/relay.md has it: tables are added at the end of what `init` wrote.
    #[test]
    fn relays_are_added_at_the_end() {
        let settings = Settings {
            addresses: vec!["c:1".into()],
            ..Settings::default()
        };
        let relay = "[[relays]]\nname = \"site-b\"\naddress = \"r:1\"\nsite = \"site-b\"\n";
        let text = settings.written().unwrap() + relay;
        let read = Settings::parse(text.as_bytes()).unwrap();
        assert_eq!(read.relays.len(), 1);
        assert_eq!(read.addresses, settings.addresses);
    }

    #[test]
    fn what_cannot_be_read_again_is_not_written() {
        let settings = Settings {
            oidc_title: "x".repeat(patchward_common::settings::MAX_SETTINGS_BYTES),
            ..Settings::default()
        };
        let refused = settings.written().unwrap_err();
        assert!(refused.contains("larger than"), "{refused}");
    }
}
