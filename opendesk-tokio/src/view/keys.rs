//! What opens the page: a token for the time of the server, and one that works once.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use opendesk_std::runtime::Runtime;

use crate::secret::same;

/// How long a key for once can be used: a browser has started by then.
const SINGLE_LIFE: Duration = Duration::from_secs(60);

pub(super) struct Keys {
    token: String,
    single: Mutex<Option<(String, Instant)>>,
}

impl Keys {
    pub(super) fn new() -> Result<Self, String> {
        Ok(Self { token: opendesk_std::token()?, single: Mutex::default() })
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// A new key for once; one that was made before and not used is worth nothing from now on.
    pub(super) fn make_single(&self, runtime: &impl Runtime) -> Result<String, String> {
        let key = opendesk_std::token()?;
        let until = runtime.now() + SINGLE_LIFE;
        *self.single.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.clone(), until));
        Ok(key)
    }

    pub(super) fn opens(&self, given: &str) -> bool {
        same(&self.token, given)
    }

    /// Whether it may be exchanged for the token. A key for once is used up by that.
    pub(super) fn enters(&self, given: &str, runtime: &impl Runtime) -> bool {
        if self.opens(given) {
            return true;
        }
        let mut single = self.single.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = single.as_ref().is_some_and(|(key, until)| same(key, given) && runtime.now() < *until);
        if fits {
            *single = None;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tokio;

    #[tokio::test(start_paused = true)]
    async fn a_key_for_once_enters_once_and_within_a_minute() {
        let keys = Keys::new().unwrap();
        let (first, second) = (keys.make_single(&Tokio).unwrap(), keys.make_single(&Tokio).unwrap());
        assert!(!keys.opens(&second), "it is no token");
        assert!(!keys.enters(&first, &Tokio), "another one was made since");
        assert!(keys.enters(&second, &Tokio));
        assert!(!keys.enters(&second, &Tokio));
        let late = keys.make_single(&Tokio).unwrap();
        tokio::time::advance(SINGLE_LIFE).await;
        assert!(!keys.enters(&late, &Tokio));
        assert!(keys.enters(keys.token(), &Tokio));
    }

    #[test]
    fn only_the_whole_token_opens() {
        let keys = Keys::new().unwrap();
        let token = keys.token().to_owned();
        assert_eq!(token.len(), 64);
        assert!(keys.opens(&token));
        let longer = format!("{token}0");
        for wrong in ["", &token[1..], &token[..63], &longer, &token.replace(char::is_alphabetic, "-")] {
            assert!(!keys.opens(wrong), "{wrong}");
        }
    }
}
