//! What a request has to show.

use core::fmt;

use opendesk_std::home::{Home, HomeError};

use crate::secret::same;

/// The file of the home that holds it.
pub const TOKEN_FILE: &str = "mcp-token";

/// Shorter ones could be guessed: 32 random characters of any usual kind are 128 bits and more.
const SHORTEST: usize = 32;

/// No token is longer.
const LONGEST: usize = 4096;

/// The word that opens the server: whoever has it drives the desktop.
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// A token that the owner has chosen.
    ///
    /// # Errors
    /// What is wrong with it, in a line that does not tell it.
    pub fn new(token: &str) -> Result<Self, String> {
        let token = token.trim();
        if token.len() < SHORTEST {
            return Err(format!(
                "the token has {} characters and needs {SHORTEST}, so that nobody guesses it",
                token.len()
            ));
        }
        if token.len() > LONGEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token holds something that no HTTP header does; use letters and digits".to_owned());
        }
        Ok(Self(token.to_owned()))
    }

    /// The token of the home. The first time it is made: 256 bits, in a file that only its owner reads.
    ///
    /// # Errors
    /// [`HomeError`] for a file that cannot be used; the inner error for what it holds, or where the system gives no random
    /// numbers. Blocks while another program changes the home.
    pub fn of(home: &Home) -> Result<Result<Self, String>, HomeError> {
        let _lock = home.lock()?;
        if let Some(bytes) = home.read(TOKEN_FILE, LONGEST)? {
            let told = |why| {
                format!("{}: {why}; remove the file, and a new one is made", home.path().join(TOKEN_FILE).display())
            };
            return Ok(Self::new(&String::from_utf8_lossy(&bytes)).map_err(told));
        }
        match opendesk_std::token() {
            Ok(token) => {
                home.write(TOKEN_FILE, format!("{token}\n").as_bytes())?;
                Ok(Ok(Self(token)))
            }
            Err(why) => Ok(Err(why)),
        }
    }

    pub(super) fn opens(&self, given: &str) -> bool {
        same(&self.0, given)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let made = Token::of(&home).unwrap().unwrap();
        let again = Token::of(&home).unwrap().unwrap();
        assert!(again.opens(&made.0) && made.0.len() == 64);
        let mode = home.path().join(TOKEN_FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(format!("{made:?}"), "Token(..)");
    }

    #[test]
    fn a_weak_or_broken_one_is_refused_without_telling_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        for bad in ["", "hunter2\n", "with a space in the middle of it, and long"] {
            home.write(TOKEN_FILE, bad.as_bytes()).unwrap();
            let why = Token::of(&home).unwrap().unwrap_err();
            assert!(why.contains("mcp-token") && !why.contains("hunter2"), "{why}");
        }
        // As the reference writes it.
        home.write(TOKEN_FILE, b"AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE\n").unwrap();
        assert!(Token::of(&home).unwrap().unwrap().opens("AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"));
    }
}
