//! What is known of an action's effect, and who says so.

use super::session::Session;
use super::target::Target;
use crate::api::Effect;
use crate::home::plain_text;

/// More characters than any backend's name has.
const LONGEST_NAME: usize = 32;

/// What the desktop says came of an action: a sentence that begins with a space. Never asks the desktop anything.
pub(super) fn proved(session: &Session, target: &Target, effect: Effect) -> String {
    if effect == Effect::NoEffect {
        session.caller.acted_in_vain();
    }
    told(&backend(session, target), effect)
}

/// The same of keys and the pointer: that they went in says nothing of what a program made of them.
pub(super) fn entered(session: &Session, target: &Target, effect: Effect) -> String {
    match effect {
        Effect::Confirmed => format!(" {} confirms the input, not what it did.", backend(session, target)),
        effect => proved(session, target, effect),
    }
}

fn told(backend: &str, effect: Effect) -> String {
    match effect {
        Effect::Confirmed => format!(" Confirmed by {backend}."),
        Effect::Unverifiable => format!(" Delivered; {backend} cannot tell what came of it."),
        Effect::NoEffect => format!(
            " But {backend} says that nothing came of it: a program may hold pointer or keyboard, or nothing there takes \
             it. Take a screenshot."
        ),
    }
}

/// The backend's short name, such as `x11`. A peer says its own, so no more of it is told than a name needs.
fn backend(session: &Session, target: &Target) -> String {
    let manifest = session.manifest(target).unwrap_or_default();
    let said = plain_text(manifest.backend.strip_prefix("local/").unwrap_or(&manifest.backend));
    let is_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '/');
    if said.is_empty() || said.chars().count() > LONGEST_NAME || !said.chars().all(is_name) {
        return "the desktop".to_owned();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_effect_names_its_backend() {
        assert_eq!(told("x11", Effect::Confirmed), " Confirmed by x11.");
        assert!(told("x11", Effect::Unverifiable).contains("x11 cannot tell"));
        assert!(told("x11", Effect::NoEffect).contains("x11 says that nothing came of it"));
    }
}
