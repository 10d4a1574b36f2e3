//! The settings of sign-in by the hospital's OpenID provider.

use super::Settings;

/// Longest words on the button.
const MAX_TITLE_CHARS: usize = 60;
/// Longest address of a provider, and of what it calls us and its classes: far above any.
const MAX_TEXT_BYTES: usize = 255;

/// Whether a text is an issuer's identifier (OpenID Connect Discovery 1.0 §3): `https`, a host,
/// perhaps a port and a path, and neither a query nor a fragment nor somebody's name.
fn is_issuer(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let is_host = super::is_address(host) || super::is_address(&format!("{host}:443"));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_host && is_plain && !text.contains(['?', '#', '@', '\\', '"']) && fits(text)
}

fn fits(text: &str) -> bool {
    (1..=MAX_TEXT_BYTES).contains(&text.len())
}

/// Whether a text can be one of the words that stand in a request.
fn is_word(text: &str) -> bool {
    fits(text) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Settings {
    /// What is wrong with the settings of the provider, if anything is.
    pub(super) fn check_openid(&self) -> Result<(), String> {
        let Some(issuer) = &self.oidc_issuer else {
            return self.check_no_openid();
        };
        if !is_issuer(issuer) {
            return Err(format!(
                "oidc_issuer: \"{issuer}\" is no issuer, such as https://login.hospital.example; \
                 write it as the provider's own configuration says it, without a query"
            ));
        }
        match &self.oidc_client {
            Some(client) if is_word(client) => {}
            Some(client) => return Err(format!("oidc_client: \"{client}\" is no client's name")),
            None => return Err("oidc_issuer and oidc_client belong together; write both".into()),
        }
        if self.web_address.is_none() {
            return Err(
                "oidc_issuer needs web_address: the provider sends people back to it, and knows \
                 it by every letter"
                    .into(),
            );
        }
        let title = self.oidc_title.chars();
        if title.clone().any(char::is_control)
            || !(1..=MAX_TITLE_CHARS).contains(&title.count())
            || self.oidc_title.trim() != self.oidc_title
        {
            return Err(format!(
                "oidc_title stands on the button: 1 to {MAX_TITLE_CHARS} characters in one line"
            ));
        }
        match self.oidc_second_factor_acr.iter().find(|acr| !is_word(acr)) {
            Some(bad) => Err(format!(
                "oidc_second_factor_acr: \"{bad}\" is no class that a provider tells; it has no \
                 spaces"
            )),
            None => Ok(()),
        }
    }

    /// Without a provider, nothing else is said of it.
    fn check_no_openid(&self) -> Result<(), String> {
        let stray = [
            ("oidc_client", self.oidc_client.is_some()),
            ("oidc_secret_file", self.oidc_secret_file.is_some()),
            (
                "oidc_second_factor_acr",
                !self.oidc_second_factor_acr.is_empty(),
            ),
        ];
        match stray.iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => Err(format!(
                "{key} is of a provider, and oidc_issuer names none; write that too"
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_provider() -> Settings {
        Settings {
            addresses: vec!["c:1".into()],
            web_address: Some("https://patchward.hospital.example:8443".into()),
            oidc_issuer: Some("https://login.hospital.example/realms/staff".into()),
            oidc_client: Some("patchward".into()),
            oidc_secret_file: Some("/etc/patchward/oidc-secret".into()),
            oidc_second_factor_acr: vec!["urn:hospital:two".into()],
            ..Settings::default()
        }
    }

    #[test]
    fn an_issuer_is_written_as_the_standard_says() {
        for good in [
            "https://login.hospital.example",
            "https://login.hospital.example/",
            "https://10.0.0.1:8443/realms/staff",
            "https://[::1]:8443",
        ] {
            assert!(is_issuer(good), "{good}");
        }
        for bad in [
            "http://login.hospital.example",
            "login.hospital.example",
            "https://",
            "https://login?x=1",
            "https://login/#a",
            "https://me@login",
            "https://log in",
            "https://login/Ü",
            "https://login:0",
        ] {
            assert!(!is_issuer(bad), "{bad}");
        }
        assert!(!is_issuer(&format!("https://{}", "a".repeat(255))));
    }

    #[test]
    fn the_settings_of_a_provider_belong_together() {
        assert_eq!(with_provider().check(), Ok(()));
        for (change, text) in [
            (
                (|s| s.oidc_issuer = Some("http://login".into())) as fn(&mut Settings),
                "is no issuer",
            ),
            (|s| s.oidc_client = None, "belong together"),
            (|s| s.oidc_client = Some("a b".into()), "oidc_client"),
            (|s| s.web_address = None, "needs web_address"),
            (|s| s.oidc_title = String::new(), "oidc_title"),
            (|s| s.oidc_title = "a\nb".into(), "oidc_title"),
            (|s| s.oidc_title = " account".into(), "oidc_title"),
            (|s| s.oidc_title = "x".repeat(61), "oidc_title"),
            (
                |s| s.oidc_second_factor_acr = vec!["a b".into()],
                "no class",
            ),
            (|s| s.oidc_issuer = None, "oidc_client is of a provider"),
            (
                |s| {
                    s.oidc_issuer = None;
                    s.oidc_client = None;
                },
                "oidc_secret_file is of a provider",
            ),
        ] {
            let mut settings = with_provider();
            change(&mut settings);
            let problem = settings.check().unwrap_err();
            assert!(problem.contains(text), "{problem}");
        }
    }
}
