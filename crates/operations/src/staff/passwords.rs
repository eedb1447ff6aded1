//! Passwords of people: what they must be, and how they are kept (Argon2id).

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tributary_domain::staff_member::Email;
use zeroize::Zeroizing;

use crate::OperationError;

/// Each takes 64 MiB while it runs.
const AT_ONCE: usize = 4;
/// Those who wait beyond this are told to come again.
const WAITING_MAX: usize = 32;
const CHARS_MIN: usize = 12;
const CHARS_MAX: usize = 128;
/// Parts of an address shorter than this are in too many good passwords.
const LOCAL_PART_CHARS_MIN: usize = 4;
/// Passwords of sufficient length that are tried first everywhere.
const KNOWN: &str = include_str!("known_passwords.txt");

/// What one password costs to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    memory_kib: u32,
    passes: u32,
}

impl PasswordCost {
    /// For people: 64 MiB and three passes.
    pub const STRONG: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
    };
    /// For tests, which sign in hundreds of times. It protects nothing.
    pub const CHEAP_FOR_TESTS: Self = Self {
        memory_kib: 64,
        passes: 1,
    };
}

/// What comparing a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// It is another one.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, kept at a cost of earlier days.
    RightAtOldCost,
}

/// Makes and compares what is kept of passwords, a few at a time.
#[derive(Debug)]
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    begins_with: String,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(cost: PasswordCost) -> Self {
        let PasswordCost { memory_kib, passes } = cost;
        // The two costs there are lie within the bounds of the algorithm.
        let params = Params::new(memory_kib, passes, 1, None).unwrap_or_default();
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            begins_with: format!("$argon2id$v=19$m={memory_kib},t={passes},p=1$"),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX)),
        }
    }

    /// What is kept of a password.
    pub(crate) async fn keep(&self, password: &str) -> Result<String, OperationError> {
        let password = Zeroizing::new(password.to_owned());
        let argon2 = self.argon2.clone();
        let kept = self
            .run(move || {
                let kept = argon2.hash_password(password.as_bytes());
                kept.map(|kept| kept.to_string())
            })
            .await?;
        kept.map_err(|error| OperationError::Internal(format!("Argon2id: {error}")))
    }

    /// Compares; takes as long when there is nothing to compare with.
    pub(crate) async fn compare(
        &self,
        password: &str,
        kept: Option<&str>,
    ) -> Result<Compared, OperationError> {
        let password = Zeroizing::new(password.to_owned());
        let against = kept.map_or_else(|| self.nobodys(), str::to_owned);
        let is_known = kept.is_some();
        let argon2 = self.argon2.clone();
        let at_cost = against.starts_with(&self.begins_with);
        let fits = self
            .run(move || {
                let against = PasswordHash::new(&against).ok()?;
                let compared = argon2.verify_password(password.as_bytes(), &against);
                compared.ok()
            })
            .await?
            .is_some();
        Ok(match (fits && is_known, at_cost) {
            (false, _) => Compared::Wrong,
            (true, true) => Compared::Right,
            (true, false) => Compared::RightAtOldCost,
        })
    }

    /// What no password is kept as.
    fn nobodys(&self) -> String {
        format!(
            "{}AAAAAAAAAAAAAAAAAAAAAA${}",
            self.begins_with,
            "A".repeat(43)
        )
    }

    /// Runs off the event loop. The place goes along, so that a caller who hangs up frees nothing early.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, OperationError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| OperationError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        done.await
            .map_err(|_| OperationError::Internal("comparing a password failed".into()))
    }
}

/// Refuses passwords that are too short, too long, or the first to be tried.
pub(crate) fn check(field: &str, password: &str, email: &Email) -> Result<(), OperationError> {
    let refuse = |reason: &str| Err(OperationError::invalid(field, reason));
    let chars = password.chars().count();
    if !(CHARS_MIN..=CHARS_MAX).contains(&chars) {
        return refuse("must be 12 to 128 characters");
    }
    let folded = password.to_lowercase();
    let local = email.local();
    let names_person = local.chars().count() >= LOCAL_PART_CHARS_MIN && folded.contains(local);
    if names_person || folded.contains(email.as_str()) {
        return refuse("must not contain the e-mail address");
    }
    let one_character = folded.chars().all(|c| folded.starts_with(c));
    if one_character || KNOWN.lines().any(|known| known == folded) {
        return refuse("is one of the passwords that are tried first");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse battery";

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_and_compared() {
        let passwords = Passwords::new(PasswordCost::CHEAP_FOR_TESTS);
        let kept = passwords.keep(PASSWORD).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{kept}");
        assert_ne!(kept, passwords.keep(PASSWORD).await.unwrap());
        let compare = async |password: &str, kept: Option<&str>| {
            passwords.compare(password, kept).await.unwrap()
        };
        assert_eq!(compare(PASSWORD, Some(&kept)).await, Compared::Right);
        assert_eq!(compare("another one!", Some(&kept)).await, Compared::Wrong);
        assert_eq!(compare(PASSWORD, None).await, Compared::Wrong);
        assert_eq!(compare(PASSWORD, Some("damaged")).await, Compared::Wrong);
    }

    #[tokio::test]
    async fn a_password_of_earlier_days_is_recognised_as_such() {
        let old = Passwords::new(PasswordCost::CHEAP_FOR_TESTS);
        let kept = old.keep(PASSWORD).await.unwrap();
        let now = Passwords::new(PasswordCost {
            memory_kib: 128,
            passes: 1,
        });
        let compared = now.compare(PASSWORD, Some(&kept)).await.unwrap();
        assert_eq!(compared, Compared::RightAtOldCost);
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_told_to_come_again() {
        let passwords = Passwords::new(PasswordCost::CHEAP_FOR_TESTS);
        let all = u32::try_from(AT_ONCE + WAITING_MAX).unwrap();
        let taken = Arc::clone(&passwords.places).acquire_many_owned(all).await;
        let refused = passwords.compare(PASSWORD, None).await;
        assert!(matches!(refused, Err(OperationError::Busy)));
        drop(taken);
        assert!(passwords.compare(PASSWORD, None).await.is_ok());
    }

    #[test]
    fn what_nobody_has_is_read_like_what_somebody_has() {
        let passwords = Passwords::new(PasswordCost::STRONG);
        let kept = passwords.nobodys();
        let read = PasswordHash::new(&kept).unwrap();
        assert_eq!(read.hash.unwrap().len(), 32);
    }

    #[test]
    fn weak_passwords_are_refused() {
        let email = Email::parse("li.wei@example.com").unwrap();
        for (password, fine) in [
            ("correct horse", true),
            ("elevenchars", false),
            ("Li.Wei is great!", false),
            ("Password1234", false),
            ("aaaaaaaaaaaaaa", false),
            (&*"长".repeat(11), false),
            ("一二三四五六七八九十甲乙", true),
            (&*"xy".repeat(65), false),
        ] {
            let checked = check("/password", password, &email);
            assert_eq!(checked.is_ok(), fine, "{password}");
        }
    }
}
