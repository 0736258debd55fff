//! Flow control of streams: the receiver grants bytes, the sender spends them. A receiver that grants nothing stalls its
//! own stream and nobody else's.

use crate::limits::{ITEM_COST, WINDOW_BYTES};

/// What one stream may still send. Both ends keep it: the sender to know when to wait, the receiver to notice a sender
/// that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Credit(i32);

impl Credit {
    /// The receiver grants more. Tells whether that stays within [`WINDOW_BYTES`].
    pub(crate) fn grant(&mut self, bytes: u32) -> bool {
        let granted = i64::from(self.0) + i64::from(bytes);
        match i32::try_from(granted) {
            Ok(granted) if granted <= WINDOW_BYTES as i32 => {
                self.0 = granted;
                true
            }
            _ => false,
        }
    }

    /// Whether an item may begin. It may be larger than what is left, so that no size of items can bring a stream to a
    /// standstill.
    pub(crate) const fn allows(self) -> bool {
        self.0 > 0
    }

    /// An item of this size begins. Tells whether it may.
    pub(crate) fn spend(&mut self, bytes: u32) -> bool {
        let allowed = self.allows();
        if allowed {
            // An item is smaller than the window, so the debt stays far from the smallest number.
            self.0 = self.0.saturating_sub_unsigned(bytes).saturating_sub_unsigned(ITEM_COST);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_may_be_larger_than_the_credit_and_the_next_one_waits() {
        let mut credit = Credit::default();
        assert!(!credit.spend(1));
        assert!(credit.grant(1) && credit.spend(1000));
        assert!(!credit.allows() && credit.grant(1000) && !credit.allows());
        assert!(credit.grant(ITEM_COST) && credit.allows());
    }

    #[test]
    fn empty_items_are_not_free_and_a_window_has_a_limit() {
        let mut credit = Credit::default();
        assert!(credit.grant(WINDOW_BYTES) && !credit.grant(1));
        let items = (0..).take_while(|_| credit.spend(0)).count();
        assert_eq!(items, (WINDOW_BYTES / ITEM_COST) as usize);
    }
}
