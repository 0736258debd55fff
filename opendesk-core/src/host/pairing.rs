//! The pairing window: one code, one success, three wrong tries, five minutes.

use heapless::Vec;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::dialect::v1::Psk;
use crate::id::LinkId;
use crate::limits::{CODE_BYTES, PAIRING_TRIES};
use crate::reason::Misuse;
use crate::time::Instant;

/// An open window. Closing it is dropping it.
#[derive(Clone)]
pub struct PairingWindow {
    code: Vec<u8, CODE_BYTES>,
    until: Instant,
    tries: u8,
    claimed: Option<LinkId>,
    number: u32,
    psk: Option<Psk>,
}

impl core::fmt::Debug for PairingWindow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PairingWindow({} tries left, claimed by {:?})", self.tries, self.claimed)
    }
}

/// Why a window closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PairingEnd {
    /// A peer paired.
    Paired,
    /// Three wrong codes.
    WrongCodes,
    /// Time ran out.
    Expired,
    /// The owner closed it, or opened another.
    Closed,
}

impl PairingWindow {
    /// Opens a window for a code until an instant. Its number tells it from earlier ones: an attempt that began under
    /// another code must not end under this one.
    ///
    /// # Errors
    /// [`Misuse::Code`] when the code is empty or over [`CODE_BYTES`].
    pub fn open(number: u32, code: &[u8], until: Instant) -> Result<Self, Misuse> {
        if code.is_empty() {
            return Err(Misuse::Code);
        }
        let code = Vec::from_slice(code).map_err(|_| Misuse::Code)?;
        Ok(Self { code, until, tries: PAIRING_TRIES, claimed: None, number, psk: None })
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// Lets peers of version 1 in as well. What the code becomes there is given, because it takes long to derive.
    pub fn allow_version_1(&mut self, psk: Psk) {
        self.psk = Some(psk);
    }

    /// What the code becomes in version 1, if that is allowed.
    #[must_use]
    pub const fn psk(&self) -> Option<&Psk> {
        self.psk.as_ref()
    }

    /// When it closes.
    #[must_use]
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// Wrong codes that are still allowed.
    #[must_use]
    pub const fn tries_left(&self) -> u8 {
        self.tries
    }

    /// Whether an attempt may be made now: not while another link is past its proof.
    #[must_use]
    pub fn is_free_for(&self, link: LinkId) -> bool {
        self.claimed.is_none_or(|claimed| claimed == link)
    }

    /// Whether this link has proved the code of this window.
    #[must_use]
    pub fn is_claimed_by(&self, link: LinkId) -> bool {
        self.claimed == Some(link)
    }

    /// A link has proved the code: nobody else may until it has finished or gone.
    pub fn claim(&mut self, link: LinkId) -> bool {
        let free = self.is_free_for(link);
        if free {
            self.claimed = Some(link);
        }
        free
    }

    /// The link has gone without finishing.
    pub fn forget(&mut self, link: LinkId) {
        if self.claimed == Some(link) {
            self.claimed = None;
        }
    }

    /// A wrong code. Tells how many tries are left; at 0 the window must close.
    pub const fn wrong(&mut self) -> u8 {
        self.tries = self.tries.saturating_sub(1);
        self.tries
    }
}

impl Drop for PairingWindow {
    fn drop(&mut self) {
        self.code.as_mut_slice().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_wrong_tries_are_all() {
        let mut window = PairingWindow::open(0, b"123456", Instant::from_micros(1)).unwrap();
        assert_eq!([window.wrong(), window.wrong(), window.wrong(), window.wrong()], [2, 1, 0, 0]);
    }

    #[test]
    fn one_link_at_a_time_may_be_past_its_proof() {
        let mut window = PairingWindow::open(0, b"123456", Instant::from_micros(1)).unwrap();
        let (a, b) = (LinkId { slot: 0, generation: 0 }, LinkId { slot: 1, generation: 0 });
        assert!(window.claim(a) && !window.claim(b) && window.claim(a));
        window.forget(b);
        assert!(!window.is_free_for(b));
        window.forget(a);
        assert!(window.claim(b));
    }

    #[test]
    fn a_code_has_a_length() {
        assert_eq!(PairingWindow::open(0, b"", Instant::default()).unwrap_err(), Misuse::Code);
        assert_eq!(PairingWindow::open(0, &[b'1'; CODE_BYTES + 1], Instant::default()).unwrap_err(), Misuse::Code);
    }
}
