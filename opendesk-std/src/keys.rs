//! The keys of this machine as the protocol uses them.

use opendesk_core::{SigningKey, StaticKey};

use crate::home::{Home, HomeError};

/// Both private keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Proves who this machine is.
    pub static_key: StaticKey,
    /// Signs.
    pub signing_key: SigningKey,
}

/// Loads the keys of a home directory, making them the first time.
///
/// # Errors
/// One line when a key file cannot be read or is not one; it is left as it is.
pub fn load(home: &Home) -> Result<Keys, HomeError> {
    let identity = home.identity()?;
    Ok(Keys { static_key: StaticKey::new(identity.static_secret), signing_key: SigningKey::new(identity.signing_seed) })
}
