//! Passwords: Argon2id, as OWASP's password storage page asks (19 MiB, two passes).

use crate::control::{Failure, FailureKind};
use crate::web::Web;
use crate::web::asks::Asks as _;
use crate::web::person::SignedIn;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};

/// Fewest characters of a password.
pub const LEAST: usize = 12;
/// Most characters: nobody types more, and hashing more would be work for a flooder.
const MOST: usize = 200;

fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// What is wrong with a new password, if anything is.
pub fn problem(password: &str, again: &str, name: &str) -> Option<String> {
    let length = password.chars().count();
    if length < LEAST {
        return Some(format!(
            "A password has at least {LEAST} characters; this one has {length}."
        ));
    }
    if length > MOST {
        return Some(format!("A password has at most {MOST} characters."));
    }
    if password != again {
        return Some("The two are not the same.".to_owned());
    }
    let mut letters: Vec<char> = password.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 5 || password.to_lowercase().contains(name) && !name.is_empty() {
        return Some(
            "That is easily guessed: it repeats itself or has your name in it.".to_owned(),
        );
    }
    None
}

/// The hash of a new password.
pub async fn hash(web: &Web, password: String) -> Result<String, Failure> {
    let _place = web.proofs.acquire().await.map_err(|_| fault())?;
    let work = tokio::task::spawn_blocking(move || {
        hasher()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
    });
    work.await.map_err(|_| fault())?.map_err(|_| fault())
}

/// What is wrong with the password that somebody who is signed in is asked for again, if anything
/// is. Wrong ones are counted as at the door, and who is locked out there waits here.
pub async fn wrong(web: &Web, person: &SignedIn, sent: String) -> Result<Option<String>, Failure> {
    let (account, now) = (&person.account, web.app.now());
    if account.locked_until.is_some_and(|until| until > now) {
        let text = "After so many wrong answers the account waits for some minutes.";
        return Ok(Some(text.to_owned()));
    }
    if is(web, sent, account.password.clone()).await? {
        return Ok(None);
    }
    let mut change = web.app.change(&person.caller()).await?;
    change.count_failed_login(&account.name).await?;
    change.commit().await?;
    Ok(Some("The password is another.".to_owned()))
}

/// Whether a password is the one of `known`. Without one it is none, after the same work: how
/// long that took tells nobody whether a name has an account.
pub async fn is(web: &Web, password: String, known: Option<String>) -> Result<bool, Failure> {
    // Longer than any: it is none, and is not worth the work of its length.
    let fits = password.chars().count() <= MOST;
    let (password, known) = match fits {
        true => (password, known),
        false => (String::new(), None),
    };
    let _place = web.proofs.acquire().await.map_err(|_| fault())?;
    let work = tokio::task::spawn_blocking(move || {
        let Some(known) = known else {
            let _ = hasher().hash_password(password.as_bytes());
            return false;
        };
        let Ok(known) = PasswordHash::new(&known) else {
            return false;
        };
        hasher()
            .verify_password(password.as_bytes(), &known)
            .is_ok()
    });
    work.await.map_err(|_| fault())
}

fn fault() -> Failure {
    Failure {
        kind: FailureKind::Internal,
        text: "passwords cannot be looked at now; the collector's log has the details".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_easily_guessed_is_no_password() {
        assert_eq!(
            problem("correct horse battery", "correct horse battery", "ada"),
            None
        );
        for (bad, why) in [
            ("short", "at least"),
            ("aaaaaaaaaaaaaaaa", "easily guessed"),
            ("ada likes tea today", "easily guessed"),
        ] {
            assert!(problem(bad, bad, "ada").unwrap().contains(why), "{bad}");
        }
        assert!(
            problem("correct horse battery", "correct horse", "ada")
                .unwrap()
                .contains("same")
        );
        let long = "abcdefgh".repeat(50);
        assert!(problem(&long, &long, "ada").unwrap().contains("at most"));
    }

    #[test]
    fn a_hash_is_argon2id_with_the_parameters_that_are_asked_for() {
        let hash = hasher()
            .hash_password(b"correct horse battery")
            .unwrap()
            .to_string();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let known = PasswordHash::new(&hash).unwrap();
        assert!(
            hasher()
                .verify_password(b"correct horse battery", &known)
                .is_ok()
        );
        assert!(
            hasher()
                .verify_password(b"correct horse batterY", &known)
                .is_err()
        );
    }
}
