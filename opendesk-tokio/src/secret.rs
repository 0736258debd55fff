//! The comparison of secrets.

/// Takes as long for a wrong text as for the right one, so that its time tells nothing of where it is wrong.
pub(crate) fn same(right: &str, given: &str) -> bool {
    let differences = right.bytes().zip(given.bytes()).fold(0, |so_far, (one, other)| so_far | (one ^ other));
    core::hint::black_box(differences) == 0 && right.len() == given.len()
}
